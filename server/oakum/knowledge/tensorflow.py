"""What TensorFlow's and Keras' names are: one name for a thing over all dialects, and which kind of thing it is.

Facts from the documentation of TensorFlow 1.15 and 2.21, Keras 2.15 and 3.15. The dialects are `tf` of 1.x and 2.x, `tf.compat.v1`,
`tf.contrib`, `tensorflow.python`, `tf.keras`, `tf_keras` and `keras`. What Keras has is called `keras.X`, all else `tensorflow.X`.
"""

from __future__ import annotations

from functools import cache

ROOTS = ("tensorflow", "keras", "tf_keras", "tf_slim")

# Prefixes, rewritten until none fits.
_DIALECTS = (
    ("tensorflow.compat.v1.", "tensorflow."),
    ("tensorflow.compat.v2.", "tensorflow."),
    ("tensorflow._api.v1.", "tensorflow."),
    ("tensorflow._api.v2.", "tensorflow."),
    ("tensorflow_core.", "tensorflow."),
    ("tensorflow.python.keras.", "keras."),
    ("tensorflow.keras.", "keras."),
    ("tensorflow.contrib.keras.", "keras."),
    ("tf_keras.", "keras."),
    ("keras.src.", "keras."),
    ("keras.api.", "keras."),
    ("keras._v1.keras.", "keras."),
    ("keras._v2.keras.", "keras."),
    ("keras._tf_keras.keras.", "keras."),
    ("keras.legacy.", "keras."),
    ("keras.python.keras.", "keras."),
    ("keras.optimizers.legacy.", "keras.optimizers."),
    ("keras.optimizers.schedules.", "keras.optimizers.schedules."),
    ("tensorflow.contrib.slim.", "tf_slim."),
    ("tensorflow.contrib.eager.", "tensorflow."),
    ("tensorflow.contrib.summary.", "tensorflow.summary."),
    ("tensorflow.contrib.data.", "tensorflow.data.experimental."),
    ("tensorflow.math.", "tensorflow."),
    ("tensorflow.gfile.", "tensorflow.io.gfile."),
    ("tensorflow.python.platform.gfile.", "tensorflow.io.gfile."),
    ("tensorflow.python_io.", "tensorflow.io."),
    ("tensorflow.python.framework.", "tensorflow."),
    ("tensorflow.python.client.session.", "tensorflow."),
    ("tensorflow.python.eager.def_function.", "tensorflow."),
    ("tensorflow.python.eager.polymorphic_function.", "tensorflow."),
    ("tensorflow.python.eager.backprop.", "tensorflow."),
    ("tensorflow.python.eager.context.", "tensorflow."),
    ("tensorflow.python.eager.", "tensorflow."),
    ("tensorflow.python.data.ops.dataset_ops.", "tensorflow.data."),
    ("tensorflow.python.data.ops.iterator_ops.", "tensorflow.data."),
    ("tensorflow.python.training.", "tensorflow.train."),
    ("tensorflow.python.summary.writer.writer.", "tensorflow.summary."),
    ("tensorflow.python.summary.", "tensorflow.summary."),
    ("tensorflow.python.ops.summary_ops_v2.", "tensorflow.summary."),
    ("tensorflow.python.lib.io.", "tensorflow.io."),
    ("tensorflow.python.saved_model.", "tensorflow.saved_model."),
)
# Files of tensorflow.python that only group operations: `tensorflow.python.ops.array_ops.concat` is `tf.concat`.
_GROUPS = "tensorflow.python.ops."
_FILES = {
    "tensorflow": {"ops", "dtypes", "constant_op", "tensor_util", "tensor", "random_seed", "session", "function"},
    "tensorflow.train": {
        "adam", "gradient_descent", "momentum", "rmsprop", "adagrad", "adadelta", "ftrl", "optimizer", "saver", "training_util",
        "monitored_session", "session_run_hook", "basic_session_run_hooks", "moving_averages", "coordinator", "checkpoint_utils",
        "input", "queue_runner_impl", "supervisor", "learning_rate_decay", "training",
    },
    "tensorflow.data": {"dataset_ops", "iterator_ops"},
}  # fmt: skip
# Packages of Keras whose files aren't part of a name: `keras.layers.core.dense.Dense` is `keras.layers.Dense`.
_FLAT = (
    "keras.layers", "keras.models", "keras.engine", "keras.optimizers", "keras.losses", "keras.metrics", "keras.callbacks",
    "keras.initializers", "keras.applications", "keras.backend", "keras.utils", "keras.regularizers", "keras.ops",
)  # fmt: skip
_RENAMED = {
    "tensorflow.compat.v1": "tensorflow",
    "tensorflow.compat.v2": "tensorflow",
    "tensorflow_core": "tensorflow",
    "tensorflow._api.v2": "tensorflow",
    "tensorflow.keras": "keras",
    "tensorflow.python.keras": "keras",
    "tensorflow.contrib.keras": "keras",
    "tf_keras": "keras",
    "keras.api": "keras",
    "keras.src": "keras",
    "tensorflow.contrib.slim": "tf_slim",
    "tensorflow.contrib.eager": "tensorflow",
    "tensorflow.math": "tensorflow",
    "tensorflow.gfile": "tensorflow.io.gfile",
    "tensorflow.io.gfile.FastGFile": "tensorflow.io.gfile.GFile",
    "tensorflow.io.gfile.Open": "tensorflow.io.gfile.GFile",
    "tensorflow.python_io": "tensorflow.io",
    "tensorflow.defun": "tensorflow.function",
    "tensorflow.Iterator": "tensorflow.data.Iterator",
    "tensorflow.Dataset": "tensorflow.data.Dataset",
    "tensorflow.data.DatasetV1": "tensorflow.data.Dataset",
    "tensorflow.data.DatasetV2": "tensorflow.data.Dataset",
    "tensorflow.data.OptionalIterator": "tensorflow.data.Iterator",
    "tensorflow.initialize_all_variables": "tensorflow.global_variables_initializer",
    "tensorflow.initialize_variables": "tensorflow.variables_initializer",
    "tensorflow.initialize_local_variables": "tensorflow.local_variables_initializer",
    "tensorflow.all_variables": "tensorflow.global_variables",
    "tensorflow.train.SummaryWriter": "tensorflow.summary.FileWriter",
    "tensorflow.scalar_summary": "tensorflow.summary.scalar",
    "tensorflow.merge_all_summaries": "tensorflow.summary.merge_all",
    "tensorflow.Variable": "tensorflow.Variable",
    "tensorflow.python.ops.variables.VariableV1": "tensorflow.Variable",
    "tensorflow.ResourceVariable": "tensorflow.Variable",
    "tensorflow.GradientTape": "tensorflow.GradientTape",
    "tensorflow.executing_eagerly_outside_functions": "tensorflow.executing_eagerly",
    "keras.Input": "keras.Input",
    "keras.layers.Input": "keras.Input",
    "keras.layers.InputLayer": "keras.layers.InputLayer",
    "keras.models.Model": "keras.Model",
    "keras.models.Sequential": "keras.Sequential",
    "keras.engine.Model": "keras.Model",
    "keras.engine.Network": "keras.Model",
    "keras.engine.Functional": "keras.Model",
    "keras.models.Functional": "keras.Model",
    "keras.Functional": "keras.Model",
    "keras.engine.Sequential": "keras.Sequential",
    "keras.engine.Layer": "keras.layers.Layer",
    "keras.engine.Input": "keras.Input",
    "keras.Layer": "keras.layers.Layer",
    "keras.utils.clear_session": "keras.backend.clear_session",
    "keras.saving.load_model": "keras.models.load_model",
    "keras.utils.multi_gpu_model": "keras.models.multi_gpu_model",
    "keras.Variable": "keras.Variable",
    "tensorflow.saved_model.loader_impl.load": "tensorflow.saved_model.loader.load",
    "tensorflow.contrib.layers.conv2d": "tf_slim.conv2d",
    "tensorflow.random_normal": "tensorflow.random.normal",
    "tensorflow.random_uniform": "tensorflow.random.uniform",
    "tensorflow.truncated_normal": "tensorflow.random.truncated_normal",
    "tensorflow.set_random_seed": "tensorflow.random.set_seed",
    "tensorflow.random.set_random_seed": "tensorflow.random.set_seed",
    "tensorflow.decode_raw": "tensorflow.io.decode_raw",
    "tensorflow.read_file": "tensorflow.io.read_file",
    "tensorflow.parse_single_example": "tensorflow.io.parse_single_example",
}  # fmt: skip
# Classes that `tf.optimizers`, `tf.losses` and `tf.metrics` of 2.x take from Keras: functions of 1.x there start small.
_OF_KERAS = ("tensorflow.optimizers", "tensorflow.losses", "tensorflow.metrics")


@cache
def canonical(name: str) -> str:
    """The public spelling of a qualified name, one over all dialects."""
    for _ in range(6):
        before = name
        for prefix, public in _DIALECTS:
            if name.startswith(prefix) and not public.startswith(prefix):
                name = public + name[len(prefix) :]
        if name.startswith(_GROUPS):
            name = f"tensorflow.{_of_group(name[len(_GROUPS) :])}"
        name = _without_file(name)
        name = _RENAMED.get(name, name)
        if name == before:
            break
    return name


def _of_group(rest: str) -> str:
    """`array_ops.concat` -> `concat`, `nn_ops.relu` -> `nn.relu`, `image_ops.resize` -> `image.resize`."""
    file, dot, inner = rest.partition(".")
    if not dot:
        return f"python.ops.{rest}" if rest.endswith("_ops") else rest
    if file.startswith(("image_ops", "nn_ops", "nn_impl", "random_ops", "linalg_ops", "io_ops", "lookup_ops")) or file == "nn":
        group = {"nn_impl": "nn", "linalg_ops": ""}.get(file, file.partition("_ops")[0])
        return f"{group}.{inner}" if group else inner
    return inner


def _without_file(name: str) -> str:
    head, _, last = name.rpartition(".")
    parent, _, file = head.rpartition(".")
    if parent in _FILES and file in _FILES[parent]:
        return f"{parent}.{last}"
    if head in _OF_KERAS and last[:1].isupper() and not last.endswith("Optimizer"):
        return f"keras.{head.partition('.')[2]}.{last}"
    if name.startswith("keras."):
        for package in _FLAT:
            if head.startswith(package + ".") and (last[:1].isupper() or (file == last)):
                if not head.startswith("keras.optimizers.schedules"):
                    return f"{package}.{last}"
    return name


# --- classes ---

SESSIONS = {
    "tensorflow.Session", "tensorflow.InteractiveSession", "tensorflow.train.MonitoredTrainingSession", "tensorflow.train.MonitoredSession",
    "tensorflow.train.SingularMonitoredSession",
}  # fmt: skip
# A session that puts itself on the default stack when it is made, and stays there until it is closed.
INTERACTIVE = "tensorflow.InteractiveSession"
# Wrappers of a session that are one: the first argument is the session inside.
SESSION_WRAPPERS = {"tensorflow.debug.LocalCLIDebugWrapperSession", "tensorflow.debug.TensorBoardDebugWrapperSession",
                    "tensorflow.debug.DumpingDebugWrapperSession"}  # fmt: skip

MODEL_BASES = {"keras.Model", "keras.Sequential", "keras.models.WideDeepModel", "keras.models.LinearModel"}
LAYER_BASES = {"keras.layers.Layer", "keras.layers.Wrapper", "keras.layers.RNN", "keras.layers.AbstractRNNCell"}
# Names whose call gives a Keras model.
MODEL_MAKERS = {
    "keras.models.load_model", "keras.models.clone_model", "keras.models.model_from_json", "keras.models.model_from_config",
    "keras.models.model_from_yaml", "keras.models.multi_gpu_model", "tensorflow.saved_model.load_keras",
}  # fmt: skip
# Functions of `keras.layers`, and classes there that aren't layers.
NOT_LAYERS = {"Input", "InputSpec", "Layer"}
DATASET_MAKERS = {
    "tensorflow.data.TFRecordDataset", "tensorflow.data.TextLineDataset", "tensorflow.data.FixedLengthRecordDataset",
    "tensorflow.data.experimental.CsvDataset", "tensorflow.data.experimental.make_csv_dataset", "tensorflow.data.experimental.SqlDataset",
    "tensorflow.data.experimental.make_batched_features_dataset", "keras.utils.image_dataset_from_directory",
    "keras.preprocessing.image_dataset_from_directory", "keras.utils.text_dataset_from_directory",
    "keras.utils.timeseries_dataset_from_array", "keras.preprocessing.timeseries_dataset_from_array",
    "keras.utils.audio_dataset_from_directory", "keras.preprocessing.text_dataset_from_directory",
}  # fmt: skip
ITERATOR_MAKERS = {"tensorflow.data.make_one_shot_iterator", "tensorflow.data.make_initializable_iterator"}
WRITERS = {
    "tensorflow.summary.FileWriter", "tensorflow.summary.create_file_writer", "tensorflow.summary.FileWriterCache.get",
    "tensorflow.summary.create_summary_file_writer", "tensorflow.summary.create_file_writer_v2", "tensorflow.summary.create_noop_writer",
}  # fmt: skip
FILES = {"tensorflow.io.gfile.GFile", "tensorflow.io.TFRecordWriter", "tensorflow.io.tf_record_iterator"}
TAPES = {"tensorflow.GradientTape", "tensorflow.autodiff.ForwardAccumulator"}
FUNCTION = "tensorflow.function"
STRATEGIES = "tensorflow.distribute."

# --- what runs when ---

# Calls that switch a whole program to graphs, or to eager execution.
TO_GRAPHS = {"tensorflow.disable_eager_execution", "tensorflow.disable_v2_behavior"}
TO_EAGER = {"tensorflow.enable_eager_execution", "tensorflow.enable_v2_behavior"}
# What exists for graphs alone: who uses it builds one. By the last part of a name, since it is looked for in text first.
GRAPH_ONLY = {
    "tensorflow.placeholder", "tensorflow.sparse_placeholder", "tensorflow.placeholder_with_default", "tensorflow.Session",
    "tensorflow.InteractiveSession", "tensorflow.global_variables_initializer", "tensorflow.local_variables_initializer",
    "tensorflow.variables_initializer", "tensorflow.tables_initializer", "tensorflow.get_default_session",
    "tensorflow.train.MonitoredTrainingSession", "tensorflow.train.MonitoredSession", "tensorflow.train.Supervisor",
    "tensorflow.data.make_one_shot_iterator", "tensorflow.data.make_initializable_iterator", "tensorflow.trainable_variables",
    "tensorflow.global_variables", "tensorflow.get_collection", "tensorflow.train.start_queue_runners", "tensorflow.train.batch",
    "tensorflow.train.shuffle_batch", "tensorflow.train.string_input_producer", "tensorflow.summary.merge_all",
    "keras.backend.gradients", "keras.backend.get_session", "keras.backend.set_session", "keras.backend.placeholder",
}  # fmt: skip
# What exists in 1.x alone (or under `compat.v1`) and, in 2.x, is nearly always written for graphs.
FIRST_EDITION = {
    "tensorflow.get_variable", "tensorflow.variable_scope", "tensorflow.assign", "tensorflow.assign_add", "tensorflow.assign_sub",
    "tensorflow.train.AdamOptimizer", "tensorflow.train.GradientDescentOptimizer", "tensorflow.train.MomentumOptimizer",
    "tensorflow.train.RMSPropOptimizer", "tensorflow.train.AdagradOptimizer", "tensorflow.layers.dense", "tensorflow.layers.conv2d",
    "tensorflow.get_default_graph", "tensorflow.reset_default_graph", "tensorflow.train.Saver", "tensorflow.summary.FileWriter",
}  # fmt: skip
# What exists for eager execution alone, or is the way of 2.x.
EAGER_ONLY = {"tensorflow.GradientTape", "tensorflow.function"}

# Names of `tensorflow` whose call adds nothing to a graph: they look something up, set something, or make no operation.
NO_OPERATION = {
    "tensorflow.Session", "tensorflow.InteractiveSession", "tensorflow.Graph", "tensorflow.get_default_graph",
    "tensorflow.get_default_session", "tensorflow.reset_default_graph", "tensorflow.get_collection", "tensorflow.get_collection_ref",
    "tensorflow.add_to_collection", "tensorflow.global_variables", "tensorflow.trainable_variables", "tensorflow.local_variables",
    "tensorflow.model_variables", "tensorflow.moving_average_variables", "tensorflow.variable_scope", "tensorflow.name_scope",
    "tensorflow.op_scope", "tensorflow.variable_op_scope", "tensorflow.get_variable_scope", "tensorflow.control_dependencies",
    "tensorflow.device", "tensorflow.executing_eagerly", "tensorflow.ConfigProto", "tensorflow.GPUOptions", "tensorflow.RunOptions",
    "tensorflow.RunMetadata", "tensorflow.GraphDef", "tensorflow.OptimizerOptions", "tensorflow.GraphOptions", "tensorflow.Summary",
    "tensorflow.Summary.Value", "tensorflow.TensorShape", "tensorflow.TensorSpec", "tensorflow.RaggedTensorSpec", "tensorflow.Dimension", "tensorflow.DType",
    "tensorflow.as_dtype", "tensorflow.init_scope", "tensorflow.is_tensor", "tensorflow.contrib.framework.is_tensor",
    "tensorflow.random.set_seed", "tensorflow.disable_eager_execution", "tensorflow.enable_eager_execution",
    "tensorflow.disable_v2_behavior", "tensorflow.enable_v2_behavior", "tensorflow.function", "tensorflow.py_function",
    "tensorflow.custom_gradient", "tensorflow.no_gradient", "tensorflow.NoGradient", "tensorflow.RegisterGradient", "tensorflow.make_template",
    "tensorflow.HistogramProto", "tensorflow.NodeDef", "tensorflow.AttrValue", "tensorflow.MetaGraphDef", "tensorflow.get_logger",
    "tensorflow.disable_resource_variables", "tensorflow.enable_resource_variables", "tensorflow.get_static_value",
    "tensorflow.load_op_library", "tensorflow.make_ndarray", "tensorflow.make_tensor_proto", "tensorflow.get_seed", "tensorflow.Module",
    "tensorflow.GradientTape", "tensorflow.gradient_tape", "tensorflow.zeros_initializer", "tensorflow.ones_initializer",
    "tensorflow.constant_initializer", "tensorflow.random_normal_initializer", "tensorflow.random_uniform_initializer",
    "tensorflow.truncated_normal_initializer", "tensorflow.variance_scaling_initializer", "tensorflow.glorot_uniform_initializer",
    "tensorflow.glorot_normal_initializer", "tensorflow.orthogonal_initializer", "tensorflow.uniform_unit_scaling_initializer",
    "tensorflow.AggregationMethod", "tensorflow.OpError", "tensorflow.assert_same_float_dtype", "tensorflow.is_symbolic_tensor",
    "tensorflow.broadcast_static_shape", "tensorflow.disable_control_flow_v2", "tensorflow.enable_control_flow_v2",
    "tensorflow.control_flow_v2_enabled", "tensorflow.get_local_variable_scope", "tensorflow.import_graph_def_from_file",
    "tensorflow.disable_tensor_equality", "tensorflow.enable_tensor_equality", "tensorflow.autograph", "tensorflow.VariableScope",
}  # fmt: skip
# Packages of `tensorflow` whose functions add operations, besides those of `tensorflow` itself.
OPERATION_PACKAGES = (
    "tensorflow.nn.", "tensorflow.image.", "tensorflow.linalg.", "tensorflow.random.", "tensorflow.strings.", "tensorflow.string.",
    "tensorflow.signal.", "tensorflow.spectral.", "tensorflow.layers.", "tensorflow.losses.", "tensorflow.metrics.", "tensorflow.audio.",
    "tensorflow.bitwise.", "tensorflow.sparse.", "tensorflow.sets.", "tensorflow.ragged.", "tensorflow.debugging.", "tensorflow.quantization.",
    "tf_slim.", "tensorflow.contrib.layers.", "tensorflow.contrib.rnn.", "tensorflow.contrib.seq2seq.", "tensorflow.contrib.losses.",
    "keras.ops.", "tensorflow.data.Dataset.", "tensorflow.data.Iterator.",
)  # fmt: skip
# Functions of packages with other contents that add operations.
OPERATIONS = {
    "tensorflow.train.exponential_decay", "tensorflow.train.polynomial_decay", "tensorflow.train.piecewise_constant", "tensorflow.train.cosine_decay",
    "tensorflow.train.natural_exp_decay", "tensorflow.train.inverse_time_decay", "tensorflow.train.batch", "tensorflow.train.shuffle_batch",
    "tensorflow.train.string_input_producer", "tensorflow.train.slice_input_producer", "tensorflow.train.Saver",
    "tensorflow.train.create_global_step", "tensorflow.train.get_or_create_global_step", "tensorflow.train.import_meta_graph", "tensorflow.import_graph_def",
    "tensorflow.summary.scalar", "tensorflow.summary.histogram", "tensorflow.summary.image", "tensorflow.summary.audio", "tensorflow.summary.text",
    "tensorflow.summary.merge", "tensorflow.summary.merge_all", "tensorflow.io.read_file", "tensorflow.io.decode_raw", "tensorflow.io.decode_image",
    "tensorflow.io.decode_jpeg", "tensorflow.io.decode_png", "tensorflow.io.parse_single_example", "tensorflow.io.parse_example",
    "tensorflow.io.write_file", "tensorflow.data.Iterator.from_structure", "tensorflow.data.make_one_shot_iterator",
    "tensorflow.data.make_initializable_iterator", "keras.backend.function", "keras.backend.gradients", "keras.backend.placeholder",
}  # fmt: skip
# Methods of a symbolic tensor or variable that give no operation.
NO_OPERATION_METHODS = {
    "get_shape", "set_shape", "eval", "load", "numpy", "consumers", "as_list", "is_compatible_with", "get_config", "shape", "experimental_ref", "ref",
    "run",
}  # fmt: skip
# Operations that stand for arrays of their own making, not for data that is put into the graph.
INITIALIZERS = {f"tensorflow.{name}_initializer" for name in ("global_variables", "local_variables", "variables", "tables")}

# Methods that somebody calls again and again, beyond those that PyTorch code has: agents, predictors, handlers.
REPEATED_METHODS = {
    "act", "choose_action", "select_action", "get_action", "get_actions", "get_q_values", "sample_action", "predict", "predict_proba", "predict_on_batch",
    "predict_step", "train_step", "train_on_batch", "train_batch", "test_step", "test_on_batch", "step", "learn", "update", "update_target",
    "update_target_network", "update_target_model", "update_weights", "update_params", "soft_update", "hard_update", "replay", "infer",
    "inference", "evaluate_state",
    "get_value", "get_values", "set_lr", "set_learning_rate", "on_batch_end", "on_batch_begin", "on_train_batch_end", "on_train_batch_begin",
    "on_test_batch_end", "on_epoch_end", "on_epoch_begin", "log_scalar", "log_image", "log_images", "log_histogram", "__call__", "__getitem__",
}  # fmt: skip

# Operations that depend on what the graph holds by the time they are made, or that make variables.
DEPEND_ON_GRAPH = INITIALIZERS | {
    "tensorflow.get_variable", "tensorflow.Variable", "tensorflow.placeholder", "tensorflow.nn.dropout", "tensorflow.random_shuffle",
    "tensorflow.multinomial", "tensorflow.gradients", "tensorflow.assign", "tensorflow.assign_add", "tensorflow.assign_sub", "tensorflow.group",
    "tensorflow.import_graph_def", "tensorflow.Variable.assign", "tensorflow.Print",
}  # fmt: skip
# Options of `tf.function` with which a new Python value or shape is no reason to trace again.
RELAXED = {"input_signature", "reduce_retracing", "experimental_relax_shapes"}

# Methods of a Keras model that train it with a traced step.
TRAINING = ("fit", "fit_generator", "train_on_batch")
# Functions and methods that call what they are given for each trial of a search.
SEARCHES = (
    "optimize",
    "fmin",
    "gp_minimize",
    "forest_minimize",
    "agent",
    "minimize",
    "BayesianOptimization",
    "differential_evolution",
    "dummy_minimize",
)
# What a network of 1.x is made of, besides layers.
NETWORK = {"tensorflow.Variable", "tensorflow.get_variable", "tensorflow.placeholder", "tensorflow.sparse_placeholder"}

# Methods of a layer, model, loss or metric whose tensors aren't symbolic for Keras: raw operations are at home there.
LAYER_CODE = {
    "call", "__call__", "build", "train_step", "test_step", "predict_step", "compute_loss", "compute_output_spec", "update_state", "result",
    "get_loss", "loss",
}  # fmt: skip
# Functions of TensorFlow that look at a tensor, and take a symbolic one of Keras.
TAKES_KERAS_TENSOR = {
    "tensorflow.is_tensor",
    "tensorflow.is_symbolic_tensor",
    "tensorflow.type_spec_from_value",
    "tensorflow.print",
}
# What an operation is called in `keras.ops`, where order and meaning of the arguments are the same.
KERAS_OPS = {
    **{f"tensorflow.{name}": name for name in (
        "reshape", "expand_dims", "squeeze", "multiply", "add", "subtract", "divide", "cast", "transpose", "stack", "matmul", "where", "square",
        "sqrt", "exp", "log", "abs", "maximum", "minimum", "sigmoid", "tanh", "shape",
    )},
    **{f"tensorflow.nn.{name}": name for name in ("relu", "softmax", "sigmoid", "tanh", "elu", "selu", "softplus")},
    **{f"tensorflow.reduce_{name}": name for name in ("mean", "sum", "max", "min", "prod")},
    "tensorflow.concat": "concatenate",
}  # fmt: skip
KERAS_OPS_KEYWORDS = {"axis": "axis", "keepdims": "keepdims", "perm": "axes"}
# The layer that does what an operation of one operand does, in all editions of Keras.
KERAS_LAYERS = {
    "tensorflow.nn.relu": "ReLU()", "tensorflow.nn.elu": "ELU()", "tensorflow.nn.softmax": "Softmax()",
    **{f"tensorflow.{prefix}{name}": f'Activation("{name}")' for prefix in ("", "nn.") for name in ("sigmoid", "tanh")},
}  # fmt: skip
# What Keras has since its third edition.
THIRD_EDITION = ("keras.ops", "keras.random", "keras.distribution", "keras.KerasTensor", "keras.Variable")

# How the names of layers begin that have weights.
WEIGHTED_LAYERS = (
    "Dense", "Conv", "SeparableConv", "DepthwiseConv", "Embedding", "LSTM", "GRU", "SimpleRNN", "ConvLSTM", "Bidirectional", "TimeDistributed",
    "BatchNormalization", "LayerNormalization", "GroupNormalization", "MultiHeadAttention", "PReLU", "LocallyConnected", "EinsumDense",
)  # fmt: skip
