import numpy as np
import tensorflow.compat.v1 as tf

tf.disable_v2_behavior()
x = tf.placeholder(tf.float32, [None, 3])
y = tf.placeholder(tf.float32, [None, 1])
w = tf.get_variable("w", [3, 1])
pred = tf.matmul(x, w)
loss = tf.reduce_mean(tf.square(pred - y))
train_op = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
saver = tf.train.Saver()
init = tf.global_variables_initializer()
with tf.Session() as sess:
    sess.run(init)
    for step in range(3):
        batch = np.random.rand(4, 3)
        _, value = sess.run([train_op, loss], feed_dict={x: batch, y: batch.sum(1, keepdims=True)})
    weights = sess.run(w)
print(value, weights.shape)
