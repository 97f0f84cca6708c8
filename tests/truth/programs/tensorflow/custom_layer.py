import tensorflow as tf


class Scale(tf.keras.layers.Layer):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def build(self, shape):
        self.w = self.add_weight(shape=(shape[-1],), initializer="ones")

    def call(self, inputs):
        return inputs * self.w * self.factor


class Net(tf.keras.Model):
    def __init__(self):
        super().__init__()
        self.scale = Scale(2.0)
        self.dense = tf.keras.layers.Dense(1)

    def call(self, inputs, training=False):
        x = self.scale(inputs)
        if training:
            x = tf.nn.dropout(x, 0.5)
        return self.dense(x)


net = Net()
metric = tf.keras.metrics.Mean()
for _ in range(2):
    out = net(tf.ones([2, 3]), training=True)
    metric.update_state(out)
result = metric.result()
print(float(result), len(net.trainable_variables))
