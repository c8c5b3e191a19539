"""Every setting: its name, default, meaning and limits, in groups. `config` says which command takes which groups."""

from __future__ import annotations

from dataclasses import dataclass

from keras_transfer.settings.backbones import BACKBONES
from keras_transfer.settings.checks import LARGEST_64_BIT_NUMBER, Settings, setting

SPLITS = ("train", "validation", "test")
DRAWN_VEHICLES = "drawn_vehicles"
SOURCES = ("dataset", "image_dir", "image_csv")  # settings that name a source of images


@dataclass(frozen=True, kw_only=True)
class SourceConfig(Settings):
    """Where the labelled images come from (give exactly one source)."""

    dataset: str = setting(
        "", "A TensorFlow Datasets name such as tf_flowers, or drawn_vehicles (drawn by this package).", is_starter=True
    )
    image_dir: str = setting(
        "",
        "Folder with one folder of images for each class, or with train/, validation/ (or val/) "
        "and test/, each with class folders.",
        is_path=True,
        is_starter=True,
    )
    image_csv: str = setting(
        "",
        "CSV file with the columns path,label and optionally split,group; further columns are slices "
        "for evaluation. Paths are relative to the CSV file.",
        is_path=True,
        is_starter=True,
    )
    dataset_dir: str = setting(
        "",
        "Where TensorFlow Datasets keeps prepared data and where the images of --dataset are kept as "
        "files (default: $TFDS_DATA_DIR or ~/tensorflow_datasets).",
        is_path=True,
    )
    drawn_images_per_class: int = setting(
        60, "Images of each of the five classes of --dataset=drawn_vehicles.", at_least=4, at_most=100_000
    )
    allow_download: bool = setting(
        False,
        "Allow network access: ImageNet weights by Keras and data sets by TensorFlow Datasets, where "
        "they are not on this machine yet.",
        is_starter=True,
    )
    exclude_list: str = setting(
        "",
        "Text file of images to leave out, one path a line, relative to its own folder, such as the exclude.txt of "
        "inspect_data.",
        is_path=True,
        is_starter=True,
    )
    max_unreadable_fraction: float = setting(
        0.05,
        "Stop where more than this fraction of the files cannot be read as images; below it they are "
        "left out and listed in data.json.",
        at_least=0,
        at_most=1,
    )
    max_image_pixels: int = setting(
        50_000_000,
        "Refuse an image whose header declares more pixels than this, before decoding it; the export refuses it too.",
        at_least=1,
        at_most=2_000_000_000,
    )


@dataclass(frozen=True, kw_only=True)
class SplitConfig(Settings):
    """How examples without a split of their own are split."""

    validation_fraction: float = setting(
        0.15,
        "Fraction of the examples for validation, where the source brings no validation split.",
        above=0,
        below=1,
    )
    test_fraction: float = setting(
        0.15,
        "Fraction of the examples for the test, where the source brings no splits at all.",
        at_least=0,
        below=1,
    )
    split_seed: int = setting(
        0, "Seed of the split: the same seed and files give the same split.", at_least=0, at_most=LARGEST_64_BIT_NUMBER
    )


@dataclass(frozen=True, kw_only=True)
class ImageConfig(Settings):
    """How an image becomes the network's input: the same in training, evaluation and serving."""

    image_size: int = setting(
        224, "Side in pixels of the square the network sees.", at_least=32, at_most=2048, is_starter=True
    )
    resize_mode: str = setting(
        "crop",
        "crop: the shorter side to 8/7 of --image_size, then the centre; squash: both sides, ignoring "
        "the aspect ratio; pad: the longer side, black bars on the rest.",
        choices=("crop", "squash", "pad"),
    )
    apply_exif: bool = setting(
        False,
        "Turn JPEG photos upright by their EXIF orientation, in training, evaluation and the export alike.",
    )


@dataclass(frozen=True, kw_only=True)
class ViewsConfig(Settings):
    """Augmented views of each training image; view 0 is always the clean image."""

    augmented_views: int = setting(
        2,
        "Augmented views of each training image beside the clean one; 0 is none.",
        at_least=0,
        at_most=100,
        is_starter=True,
    )
    flip_horizontal: bool = setting(True, "Mirror left to right in half of the augmented views.")
    flip_vertical: bool = setting(False, "Mirror top to bottom in half of the augmented views.")
    rotation_degrees: float = setting(10.0, "Rotate by up to this many degrees either way.", at_least=0, at_most=180)
    crop_min_area: float = setting(
        0.5, "Cut out a part with at least this fraction of the image's area; 1 is no cutting.", above=0, at_most=1
    )
    brightness: float = setting(0.1, "Add up to this fraction of the full range.", at_least=0, at_most=1)
    contrast: float = setting(0.1, "Scale contrast by 1 plus or minus up to this.", at_least=0, below=1)
    saturation: float = setting(0.1, "Scale saturation by 1 plus or minus up to this.", at_least=0, below=1)
    hue: float = setting(0.02, "Turn the hue by up to this fraction of the colour circle.", at_least=0, at_most=0.5)


@dataclass(frozen=True, kw_only=True)
class ModelConfig(Settings):
    """The base, its weights, and the head."""

    backbone: str = setting(
        "vgg16",
        "The pretrained network; of several, such as vgg16,mobilenetv2, the one whose head does best on a sample.",
        choices=tuple(BACKBONES),
        takes_several=True,
        is_starter=True,
    )
    weights: str = setting(
        "imagenet",
        "imagenet (from Keras's cache, or downloaded with --allow_download), random, or a weights file; of several "
        "backbones as many, separated by commas.",
        is_path=True,
        is_starter=True,
    )
    allow_random_weights: bool = setting(
        False, "Go on with random weights, and say so loudly, where the ImageNet file is not available."
    )
    feature_layers: tuple[str, ...] = setting(
        (),
        "Layers that the head stands on, all together, such as block5_pool,block4_pool (default: the base's output); "
        "fc2 of vgg16 is allowed.",
    )
    pooling: tuple[str, ...] = setting(
        ("avg",),
        "How a feature map becomes a vector: avg, max, both (avg,max), or flatten.",
        choices=("avg", "max", "flatten"),
    )
    standardize_features: bool = setting(
        True, "Shift and scale each feature to mean 0 and variance 1 over the training images, before the head."
    )
    head_units: tuple[int, ...] = setting(
        (), "Widths of the hidden dense layers of the head, such as 256 or 512,128; empty is a linear head."
    )
    dropout: float = setting(0.2, "Fraction of activations dropped before each dense layer.", at_least=0, below=1)
    l2: float = setting(0.0, "L2 penalty on the kernels of the head.", at_least=0, at_most=1_000)


@dataclass(frozen=True, kw_only=True)
class TrainingConfig(Settings):
    """Phases, optimizers, and the feature bank."""

    batch_size: int = setting(32, "Examples in a training step.", at_least=1)
    optimizer: str = setting("adam", "Optimizer of both phases.", choices=("adam", "adamw", "sgd", "rmsprop"))
    momentum: float = setting(0.9, "Momentum of sgd.", at_least=0, below=1)
    weight_decay: float = setting(0.004, "Weight decay of adamw.", at_least=0, at_most=1_000)
    head_epochs: int = setting(25, "Epochs of the head phase (the base is frozen).", at_least=1)
    head_learning_rate: float = setting(1e-3, "Learning rate of the head phase.", above=0, at_most=100)
    fine_tune: str = setting(
        "auto",
        "on: go on from the head and train the highest blocks of the base too; off: don't; auto: where there are so "
        "many photos that it may pay. Its weights are kept only if they are better on the validation images.",
        choices=("auto", "on", "off"),
        is_starter=True,
    )
    fine_tune_epochs: int = setting(
        0, "Epochs of the fine-tune phase, at most; above 0 it is on, 0 takes 8 where it is.", at_least=0
    )
    unfreeze_blocks: int = setting(1, "Blocks of the base, from the top, that the fine-tune phase trains.", at_least=1)
    fine_tune_learning_rate: float = setting(
        1e-5,
        "Learning rate of the fine-tune phase; after a chosen head several are tried unless another than the default "
        "is given.",
        above=0,
        at_most=100,
    )
    learning_rate_schedule: str = setting(
        "constant",
        "constant; step: times --step_factor every --step_epochs; cosine: down to 0; plateau: times "
        "--step_factor where the validation loss stalls for --step_epochs.",
        choices=("constant", "step", "cosine", "plateau"),
    )
    warmup_epochs: int = setting(0, "Epochs over which the learning rate rises to its value.", at_least=0)
    step_epochs: int = setting(7, "Epochs between steps of the learning rate.", at_least=1)
    step_factor: float = setting(0.1, "What a step multiplies the learning rate by.", above=0, below=1)
    label_smoothing: float = setting(0.0, "Probability mass spread over the other classes.", at_least=0, below=1)
    class_weights: str = setting(
        "none",
        "balanced: every class weighs the same in the loss, however few its examples.",
        choices=("none", "balanced"),
        is_starter=True,
    )
    keep_best: str = setting(
        "loss",
        "Keep the weights of the epoch with the best validation loss or accuracy.",
        choices=("loss", "accuracy"),
    )
    early_stopping_patience: int = setting(
        0, "Stop a phase after this many epochs without a better validation; 0 runs all epochs.", at_least=0
    )
    precision: str = setting(
        "auto",
        "Arithmetic of the frozen part; auto is bfloat16 where the processor computes it natively. The trained "
        "part always computes in float32.",
        choices=("auto", "float32", "bfloat16", "float16"),
    )
    calibrate: bool = setting(
        True,
        "Divide the logits by a temperature fitted on the validation images, so that a score of 0.9 means 90% right.",
    )
    feature_cache: str = setting(
        "auto",
        "on: train from the feature bank; off: run the frozen part again in every epoch; auto: whichever is planned "
        "cheaper.",
        choices=("auto", "on", "off"),
    )
    feature_cache_dir: str = setting(
        "",
        "Folder of the feature banks, shared by all runs (default: $XDG_CACHE_HOME/keras_transfer or "
        "~/.cache/keras_transfer).",
        is_path=True,
    )
    feature_cache_max_bytes: int = setting(
        0,
        "Limit of all feature banks together; the least recently used go first. 0 is no limit.",
        at_least=0,
        at_most=LARGEST_64_BIT_NUMBER,
    )
    choose: str = setting(
        "auto",
        "auto: choose layers, pooling and strength of the head by cross-validation on the training images, unless a "
        "setting of the head or of its training is given; off: train the head by the settings.",
        choices=("auto", "off"),
        is_starter=True,
    )
    seed: int = setting(
        0,
        "Seed of the head's start, of the order of examples and of the views.",
        at_least=0,
        at_most=LARGEST_64_BIT_NUMBER,
    )
