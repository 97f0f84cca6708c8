"""What PyTorch's names do to a graph: which results carry none, which are views, which are scalars, which classes are what.

Facts from PyTorch's documentation, release 2.13. A name that is not listed is decided by its arguments: a differentiable
operation on a tensor that requires grad gives a tensor that requires grad.
"""

from __future__ import annotations

# One spelling for each public object.
ALIASES = (
    ("torch.nn.modules.loss.", "torch.nn."),
    ("torch.nn.modules.container.", "torch.nn."),
    ("torch.nn.modules.module.", "torch.nn."),
    ("torch.nn.modules.linear.", "torch.nn."),
    ("torch.nn.modules.conv.", "torch.nn."),
    ("torch.nn.modules.", "torch.nn."),
    ("torch.nn.parameter.", "torch.nn."),
    ("torch.nn.parallel.distributed.", "torch.nn.parallel."),
    ("torch.nn.parallel.data_parallel.", "torch.nn."),
    ("torch.functional.", "torch."),
    ("torch.autograd.grad_mode.", "torch."),
    ("torch.autograd.variable.", "torch.autograd."),
    ("torch.autograd.function.", "torch.autograd."),
    ("torch.autograd.anomaly_mode.", "torch.autograd."),
    ("torch.utils.data.dataloader.", "torch.utils.data."),
    ("torch.utils.data.dataset.", "torch.utils.data."),
    ("torch.utils.hooks.", "torch.utils.hooks."),
    ("torch.distributed.distributed_c10d.", "torch.distributed."),
    ("torch.distributed.device_mesh.", "torch.distributed."),
    ("torch.cuda.amp.grad_scaler.", "torch.cuda.amp."),
    ("torch.amp.grad_scaler.", "torch.amp."),
    ("torch._tensor.", "torch."),
    ("lightning.pytorch.", "pytorch_lightning."),
    ("lightning.", "pytorch_lightning."),
    ("pytorch_lightning.core.lightning.", "pytorch_lightning."),
    ("pytorch_lightning.core.module.", "pytorch_lightning."),
    ("pytorch_lightning.core.", "pytorch_lightning."),
    ("tqdm.auto.", "tqdm."),
    ("tqdm.notebook.", "tqdm."),
    ("tqdm.std.", "tqdm."),
    ("tqdm.tqdm_notebook", "tqdm.tqdm"),
    ("keras.src.", "keras."),
)


def canonical(name: str) -> str:
    """The public spelling of a qualified name."""
    for prefix, public in ALIASES:
        if name.startswith(prefix):
            rest = name[len(prefix) :]
            if prefix != "torch.nn.modules.":
                return public + rest
            # `torch.nn.modules.batchnorm.BatchNorm1d` drops its file's name; a file is no object yet.
            last = rest.rpartition(".")[2]
            return public + last if last[:1].isupper() else name
    return name


NO_GRAD = {"torch.no_grad", "torch.inference_mode", "torch.autograd.no_grad", "torch.autograd.inference_mode"}
ENABLE_GRAD = {"torch.enable_grad", "torch.autograd.enable_grad"}
SET_GRAD = {"torch.set_grad_enabled", "torch.autograd.set_grad_enabled", "torch._C._set_grad_enabled"}

# Names of `torch` and methods of Tensor whose result is a tensor, number or list without a graph.
GRAPH_FREE = {
    "detach", "detach_", "item", "tolist", "numpy", "argmax", "argmin", "argsort", "argwhere", "size", "dim", "ndimension", "numel",
    "nelement", "stride", "eq", "ne", "lt", "le", "gt", "ge", "equal", "greater", "less", "not_equal", "greater_equal", "less_equal",
    "isnan", "isinf", "isfinite", "isclose", "allclose", "logical_and", "logical_or", "logical_not", "logical_xor", "bool", "int",
    "long", "short", "byte", "nonzero", "bincount", "multinomial", "randint_like", "rand_like", "randn_like", "zeros_like", "ones_like",
    "empty_like", "full_like", "new_zeros", "new_ones", "new_empty", "new_full", "new_tensor", "unique", "any", "all", "sign",
    "searchsorted", "bucketize", "histc", "is_contiguous", "element_size", "data_ptr", "get_device", "type_as_numpy", "count_nonzero",
    "isin", "is_tensor", "is_floating_point", "bitwise_and", "bitwise_or", "bitwise_not", "one_hot", "bernoulli",
    "zeros", "ones", "empty", "full", "arange", "linspace", "logspace", "eye", "rand", "randn", "randint", "randperm", "tensor",
    "from_numpy", "as_tensor", "normal", "tril_indices", "triu_indices", "manual_seed", "device", "Generator", "load", "isneginf",
}  # fmt: skip
# `torch.tensor(x)` and friends copy or make: a leaf that requires grad only if told so.
CREATION = {
    "zeros", "ones", "empty", "full", "rand", "randn", "randint", "tensor", "arange", "linspace", "eye", "zeros_like", "ones_like",
    "empty_like", "full_like", "rand_like", "randn_like", "from_numpy", "logspace", "normal", "randperm",
}  # fmt: skip
VIEWS = {
    "view", "view_as", "reshape", "reshape_as", "transpose", "permute", "squeeze", "unsqueeze", "expand", "expand_as", "narrow", "select",
    "chunk", "split", "tensor_split", "t", "flatten", "unflatten", "unbind", "swapaxes", "movedim", "diagonal", "unfold", "contiguous",
    "detach", "numpy", "as_strided", "squeeze_", "unsqueeze_", "t_", "transpose_", "cpu", "to", "float", "type",
}  # fmt: skip
# Methods of a tensor whose result surely shares its memory.
STRICT_VIEWS = {
    "view", "view_as", "transpose", "permute", "squeeze", "unsqueeze", "expand", "expand_as", "narrow", "select", "chunk", "split", "unbind", "t",
    "swapaxes", "movedim", "diagonal", "unfold", "detach", "numpy", "as_strided", "detach_",
}  # fmt: skip
# Operations whose graph keeps what comes out.
SAVES_RESULT = {"exp", "relu", "tanh", "sigmoid", "softmax", "log_softmax", "sqrt", "rsqrt", "reciprocal", "gelu", "silu", "elu"}
# Last names of what is made from a model and refers to it from then on, optimizers apart.
HOLDS_MODEL = {
    "DataParallel", "DistributedDataParallel", "FullyShardedDataParallel", "compile", "Trainer", "Seq2SeqTrainer", "SFTTrainer", "DPOTrainer",
    "PPOTrainer", "AveragedModel",
}  # fmt: skip
# With a dimension they give (values, indices); the indices carry no graph.
VALUES_AND_INDICES = {"max", "min", "topk", "sort", "median", "mode", "kthvalue", "cummax", "cummin", "nanmedian"}
REDUCTIONS = {
    "mean",
    "sum",
    "norm",
    "max",
    "min",
    "prod",
    "var",
    "std",
    "logsumexp",
    "median",
    "nansum",
    "nanmean",
    "dot",
    "trace",
    "dist",
    "amax",
    "amin",
}

JOINS = {f"torch.{name}" for name in ("cat", "concat", "concatenate", "vstack", "row_stack", "hstack", "dstack", "column_stack")}

LOSS_FUNCTIONS = {
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "cosine_embedding_loss", "cross_entropy", "ctc_loss", "gaussian_nll_loss",
    "hinge_embedding_loss", "huber_loss", "kl_div", "l1_loss", "margin_ranking_loss", "mse_loss", "multi_margin_loss",
    "multilabel_margin_loss", "multilabel_soft_margin_loss", "nll_loss", "poisson_nll_loss", "smooth_l1_loss", "soft_margin_loss",
    "triplet_margin_loss", "triplet_margin_with_distance_loss",
}  # fmt: skip

# torch.nn classes without trainable parameters.
PARAMETER_FREE = {
    "ReLU", "ReLU6", "LeakyReLU", "ELU", "SELU", "GELU", "CELU", "SiLU", "Mish", "Sigmoid", "Tanh", "Softmax", "LogSoftmax", "Softplus",
    "Softsign", "Hardtanh", "Hardswish", "Hardsigmoid", "LogSigmoid", "GLU", "Threshold", "Softmax2d", "Softmin", "Tanhshrink", "Softshrink",
    "Hardshrink", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout", "Flatten", "Unflatten", "Identity",
    "MaxPool1d", "MaxPool2d", "MaxPool3d", "AvgPool1d", "AvgPool2d", "AvgPool3d", "AdaptiveAvgPool1d", "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d", "AdaptiveMaxPool1d", "AdaptiveMaxPool2d", "AdaptiveMaxPool3d", "Upsample", "UpsamplingNearest2d",
    "UpsamplingBilinear2d", "PixelShuffle", "PixelUnshuffle", "ZeroPad2d", "ReflectionPad1d", "ReflectionPad2d", "ReplicationPad2d",
    "ConstantPad1d", "ConstantPad2d", "Fold", "Unfold", "CosineSimilarity", "PairwiseDistance", "ChannelShuffle", "MaxUnpool2d",
}  # fmt: skip
NOT_MODULES = {"Parameter", "ParameterList", "ParameterDict", "UninitializedParameter", "Buffer"}
# torch.nn classes whose call gives (output, state), and how the state is built.
RECURRENT = {"RNN": "tensor", "GRU": "tensor", "LSTM": "pair", "MultiheadAttention": "tensor"}
CELLS = {"RNNCell": "tensor", "GRUCell": "tensor", "LSTMCell": "pair"}

# Wrappers that give back a module which shares its argument's parameters: argument 0 is what comes out.
TRANSPARENT_WRAPPERS = {
    "torch.compile", "torch.jit.script", "torch.jit.trace", "torch.nn.DataParallel", "torch.nn.parallel.DistributedDataParallel",
    "torch.nn.parallel.DataParallel", "torch.nn.utils.spectral_norm", "torch.nn.utils.weight_norm", "copy.deepcopy", "copy.copy",
    "torch.nn.SyncBatchNorm.convert_sync_batchnorm", "torch.quantization.prepare", "torch.fx.symbolic_trace", "torch.jit.freeze",
}  # fmt: skip
MODEL_MAKERS = ("torchvision.models.", "timm.create_model", "timm.models.create_model", "torch.hub.load", "segmentation_models_pytorch.", "torch.jit.load",
                "pretrainedmodels.", "open_clip.create_model")  # fmt: skip
# Constructors that load trained weights.
PRETRAINED = {
    "lpips.LPIPS", "sentence_transformers.SentenceTransformer", "clip.load", "open_clip.create_model_and_transforms", "whisper.load_model",
    "bert_score.BERTScorer", "transformers.pipeline", "torch.hub.load", "ultralytics.YOLO", "spacy.load", "facenet_pytorch.MTCNN",
    "torchmetrics.image.lpip.LearnedPerceptualImagePatchSimilarity", "torchmetrics.image.fid.FrechetInceptionDistance",
    "torchmetrics.text.bert.BERTScore",
}  # fmt: skip
# Base classes, by the last part of their name or whole, which make a class a torch Module.
MODULE_BASES = {
    "torch.nn.Module", "pytorch_lightning.LightningModule", "transformers.PreTrainedModel", "torch.jit.ScriptModule",
    "torch_geometric.nn.MessagePassing", "torch_geometric.nn.conv.MessagePassing", "torch_geometric.nn.conv.message_passing.MessagePassing",
    "transformers.modeling_utils.PreTrainedModel",
}  # fmt: skip
FUNCTION_BASES = {"torch.autograd.Function", "torch.autograd.function.InplaceFunction", "torch.autograd.InplaceFunction"}
METRIC_BASES = {"torchmetrics.Metric", "torchmetrics.metric.Metric", "pytorch_lightning.metrics.Metric"}
LOADERS = {
    "torch.utils.data.DataLoader", "torch_geometric.loader.DataLoader", "torch_geometric.data.DataLoader", "torch_geometric.loader.NeighborLoader",
    "monai.data.DataLoader", "torchdata.stateful_dataloader.StatefulDataLoader", "torchdata.stateful_dataloader.stateful_dataloader.StatefulDataLoader",
}  # fmt: skip
OPTIMIZER_PACKAGES = (
    "torch.optim.",
    "apex.optimizers.",
    "bitsandbytes.optim.",
    "torch_optimizer.",
    "transformers.AdamW",
    "timm.optim.create_optimizer",
    "transformers.Adafactor",
)
SCALERS = {"torch.cuda.amp.GradScaler", "torch.amp.GradScaler", "torch.GradScaler"}
ACCELERATORS = {"accelerate.Accelerator", "accelerate.accelerator.Accelerator"}

# Hooks of a LightningModule (or callback) that the trainer calls with gradients off.
LIGHTNING_GRAD_FREE = {
    "validation_step", "test_step", "predict_step", "validation_epoch_end", "test_epoch_end", "on_validation_epoch_end", "on_test_epoch_end",
    "on_validation_epoch_start", "on_test_epoch_start", "on_validation_batch_end", "on_test_batch_end", "on_predict_batch_end",
    "on_validation_batch_start", "on_test_batch_start", "on_predict_epoch_end", "validation_step_end", "test_step_end",
    "on_validation_start", "on_validation_end", "on_test_start", "on_test_end", "on_predict_start", "on_predict_end",
}  # fmt: skip
# Methods that somebody calls again and again: the method is the body of a loop that isn't in sight.
REPEATED_METHODS = {
    "forward", "__call__", "training_step", "validation_step", "test_step", "predict_step", "training_step_end", "validation_step_end",
    "shared_step", "_shared_step", "_step", "compute_loss", "prediction_step", "update", "collect", "act",
    "select_action", "choose_action", "learn", "train_step", "train_batch",
    "test_batch", "eval_step", "train_one_batch", "on_train_batch_start", "on_train_batch_end", "on_validation_batch_end",
    "on_test_batch_end", "on_before_backward", "on_after_backward", "on_batch_end", "on_batch_start", "optimize_parameters", "training_batch",
    "run_train_iter", "train_iter", "loss_step", "step", "process_batch", "update_state",
}  # fmt: skip
# Decorators by which web frameworks are told what to call for a request.
REQUEST_DECORATORS = {"route", "get", "post", "put", "patch", "websocket", "api_route", "on_message"}
# Methods that give a part of the object they are called on.
PART_ACCESSORS = {
    "parameters", "named_parameters", "modules", "named_modules", "children", "named_children", "get_submodule", "items", "values", "get",
}  # fmt: skip
# Calls by which code asks for gradients, whatever they are called on.
NEEDS_GRADIENTS = (
    "backward", "manual_backward", "grad", "jacobian", "hessian", "requires_grad_", "vjp", "jvp", "retain_grad", "attack", "perturb",
    "attribute", "enable_grad",
)  # fmt: skip
HOOK_REGISTRATIONS = {
    "register_forward_hook", "register_forward_pre_hook", "register_full_backward_hook", "register_full_backward_pre_hook",
    "register_backward_hook", "register_hook", "register_post_accumulate_grad_hook", "register_state_dict_pre_hook",
    "register_load_state_dict_post_hook", "register_load_state_dict_pre_hook", "register_prehook", "register_step_pre_hook", "register_step_post_hook",
    "register_multi_grad_hook", "register_module_forward_hook", "register_module_forward_pre_hook", "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook",
}  # fmt: skip
# Names of counters that differ in each step of a training.
COUNTERS = {"step", "global_step", "batch_idx", "batch_index", "iteration", "n_iter", "step_idx", "global_iter", "num_steps"}
# How annotations call a tensor, by the last part of the name.
TENSOR_TYPES = {"Tensor", "FloatTensor", "LongTensor", "HalfTensor", "BoolTensor", "IntTensor"}
# Methods that little else than a module has.
OF_MODULES = {
    "parameters",
    "named_parameters",
    "state_dict",
    "load_state_dict",
    "requires_grad_",
    "zero_grad",
    "cuda",
    "half",
    "eval",
}
# Methods that a framework calls with each batch.
BATCH_METHODS = {
    "training_step", "validation_step", "forward", "train_step", "on_train_batch_start", "on_train_batch_end", "on_batch_end", "on_after_backward",
    "on_validation_batch_end", "optimizer_step", "on_before_zero_grad", "compute_loss",
}  # fmt: skip
# Calls that are given a function, which they call for each trial.
SEARCHES = ("optimize", "fmin", "agent", "run", "Tuner", "gp_minimize", "minimize")
