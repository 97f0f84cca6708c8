import numpy as np
import tensorflow as tf

model = tf.keras.models.Sequential()
model.add(tf.keras.layers.Embedding(10, 4))
model.add(tf.keras.layers.LSTM(4))
model.add(tf.keras.layers.Dense(1, activation="sigmoid"))
model.compile(loss="binary_crossentropy", optimizer=tf.keras.optimizers.RMSprop(1e-3))
for epoch in range(2):
    tokens = np.random.randint(0, 10, (4, 5))
    loss = model.train_on_batch(tokens, np.ones((4, 1)))
output = model(tokens)
weights = model.get_weights()
layer = model.layers[0]
print(float(output[0, 0]), len(weights), layer.name)
