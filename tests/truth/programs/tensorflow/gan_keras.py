import tensorflow as tf
from tensorflow.keras import layers

generator = tf.keras.Sequential([layers.Dense(4), layers.Dense(2)])
discriminator = tf.keras.Sequential([layers.Dense(4), layers.Dense(1)])
cross_entropy = tf.keras.losses.BinaryCrossentropy(from_logits=True)
g_opt = tf.keras.optimizers.Adam(1e-4)
d_opt = tf.keras.optimizers.Adam(1e-4)
g_losses = []
for _ in range(2):
    noise = tf.random.normal([4, 3])
    with tf.GradientTape() as g_tape, tf.GradientTape() as d_tape:
        fake = generator(noise, training=True)
        real_out = discriminator(tf.random.normal([4, 2]), training=True)
        fake_out = discriminator(fake, training=True)
        g_loss = cross_entropy(tf.ones_like(fake_out), fake_out)
        d_loss = cross_entropy(tf.ones_like(real_out), real_out) + cross_entropy(tf.zeros_like(fake_out), fake_out)
    g_grads = g_tape.gradient(g_loss, generator.trainable_variables)
    d_grads = d_tape.gradient(d_loss, discriminator.trainable_variables)
    g_opt.apply_gradients(zip(g_grads, generator.trainable_variables))
    d_opt.apply_gradients(zip(d_grads, discriminator.trainable_variables))
    g_losses.append(g_loss)
mean = tf.reduce_mean(g_losses)
print(float(mean))
