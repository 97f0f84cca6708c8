"""TensorFlow and Keras smells, TK01 to TK16."""
