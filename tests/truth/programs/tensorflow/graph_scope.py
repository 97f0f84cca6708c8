import tensorflow as tf

graph = tf.Graph()
with graph.as_default():
    a = tf.constant([1.0, 2.0])
    b = tf.compat.v1.placeholder(tf.float32, [2])
    c = a + b
    operations = graph.get_operations()
session = tf.compat.v1.Session(graph=graph)
result = session.run(c, {b: [3.0, 4.0]})
session.close()
eager = tf.constant(3.0) * 2
print(result, len(operations), eager.numpy())
