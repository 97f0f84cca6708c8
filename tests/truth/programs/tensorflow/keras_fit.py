import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

x_train = np.random.rand(16, 4).astype("float32")
y_train = np.random.rand(16, 1)
inputs = keras.Input(shape=(4,))
hidden = layers.Dense(8, activation="relu")(inputs)
outputs = layers.Dense(1)(hidden)
model = keras.Model(inputs, outputs)
model.compile(optimizer="adam", loss="mse", metrics=["mae"])
history = model.fit(x_train, y_train, epochs=1, batch_size=8, verbose=0)
scores = model.evaluate(x_train, y_train, verbose=0)
predicted = model.predict(x_train, verbose=0)
best = min(history.history["loss"])
mean = tf.reduce_mean(model(x_train))
print(best, scores[0], predicted.shape, float(mean))
