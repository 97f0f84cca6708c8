import keras
import numpy as np
from keras import layers, ops

inputs = keras.Input((8,))
x = layers.Dense(4)(inputs)
x = layers.Lambda(lambda t: t * 2)(x)
model = keras.Model(inputs, x)
values = model(np.ones((2, 8)))
norm = ops.sum(ops.square(values))
variable = keras.Variable(1.0)
variable.assign(2.0)
keras.backend.clear_session()
print(float(norm), float(variable))
