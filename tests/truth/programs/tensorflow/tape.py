import tensorflow as tf

w = tf.Variable(tf.random.normal([3, 1]))
b = tf.Variable(0.0)
optimizer = tf.keras.optimizers.SGD(0.1)
losses = []
for step in range(3):
    x = tf.random.normal([8, 3])
    y = tf.reduce_sum(x, axis=1, keepdims=True)
    with tf.GradientTape() as tape:
        prediction = tf.matmul(x, w) + b
        loss = tf.reduce_mean(tf.square(prediction - y))
    gradients = tape.gradient(loss, [w, b])
    optimizer.apply_gradients(zip(gradients, [w, b]))
    losses.append(float(loss))
print(sum(losses) / len(losses), w.numpy().shape)
