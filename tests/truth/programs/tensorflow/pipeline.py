import tensorflow as tf


def parse(i):
    return tf.cast(i, tf.float32) / 10.0, i % 2


ds = tf.data.Dataset.range(20).map(parse).shuffle(20).batch(5).prefetch(tf.data.AUTOTUNE)
iterator = iter(ds)
features, labels = next(iterator)
seen = []
for step, (x, y) in enumerate(ds.take(2)):
    seen.append(tf.reduce_max(x).numpy())
    total = tf.reduce_sum(y)
first = features[0]
shape = tf.shape(features)
arrays = [x.numpy() for x, y in ds]
print(seen, int(total), float(first), shape, len(arrays), labels.dtype)
