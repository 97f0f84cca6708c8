import numpy as np
import tensorflow as tf
from tensorflow import keras

num_epochs = 3
x_train = np.random.rand(512, 32).astype("float32")
y_train = np.random.randint(0, 10, 512)
dataset = tf.data.Dataset.from_tensor_slices((x_train, y_train)).batch(64)
model = keras.Sequential([keras.Input((32,)), keras.layers.Dense(64, "relu"), keras.layers.Dense(10)])
loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
optimizer = keras.optimizers.Adam()

