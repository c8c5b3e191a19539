"""What people mean by flags that there are not: the names that other tools give to our settings."""

from __future__ import annotations

import re
from collections.abc import Mapping

from keras_transfer.settings.checks import nearest

# Names elsewhere, and what they are here. Of the settings on the right a command names those that it has; a name may
# stand in several rows, and the first row that has a setting of the command counts.
_ELSEWHERE = (
    ("lr learning_rate base_lr initial_lr initial_learning_rate lr0", "head_learning_rate fine_tune_learning_rate"),
    ("epoch epochs num_epochs n_epochs nb_epochs max_epochs train_epochs", "head_epochs fine_tune_epochs"),
    ("patience early_stopping early_stop es_patience", "early_stopping_patience"),
    ("augment augmentation augmentations aug data_augmentation use_augmentation", "augmented_views"),
    ("model arch architecture network net base base_model model_type backbone_name encoder", "backbone"),
    ("model model_dir model_path model_file checkpoint ckpt export export_path saved_model", "export_dir"),
    ("data data_dir data_path dataset_path dataset_root root data_root source input input_dir", "images"),
    ("image image_path image_dir img file files folder dir photos path images_dir image_folder img_dir", "images"),
    ("data data_dir data_path dataset_path dataset_root root data_root source", "image_dir image_csv dataset"),
    ("train train_dir train_data train_path input input_dir path folder dir photos", "image_dir"),
    ("images images_dir image_folder image_path img_dir image", "image_dir"),
    ("csv csv_file csv_path labels labels_csv label_file annotations train_csv", "image_csv"),
    ("size img_size imgsz image_shape input_size input_shape target_size resolution crop_size", "image_size"),
    ("width height image_width image_height img_width img_height resize", "image_size"),
    ("batch bs batchsize batch_sz train_batch_size eval_batch_size mini_batch_size", "batch_size"),
    ("out outdir out_dir output_dir output_path output_file save save_dir save_path", "output"),
    ("results results_dir report", "output"),
    ("out outdir out_dir output output_dir output_path save save_dir save_path results results_dir", "run_dir"),
    ("logdir log_dir workdir work_dir project checkpoint_dir model_dir run", "run_dir"),
    ("val val_split validation_split val_fraction val_size val_ratio valid_split valid_pct", "validation_fraction"),
    ("test test_split test_size test_ratio", "test_fraction evaluate_split"),
    ("split subset", "evaluate_split validation_fraction test_fraction"),
    ("random_seed random_state rng_seed manual_seed", "seed split_seed"),
    ("pretrained pretrained_weights use_pretrained weights_path weights_file init_weights imagenet", "weights"),
    ("freeze unfreeze freeze_base freeze_backbone freeze_layers", "fine_tune_epochs unfreeze_blocks"),
    ("unfreeze_layers trainable trainable_layers train_base", "fine_tune_epochs unfreeze_blocks"),
    ("fine_tune finetune fine_tuning finetuning", "fine_tune_epochs unfreeze_blocks"),
    ("amp fp16 bf16 half mixed_precision dtype", "precision serving_precision"),
    ("class_weight balanced balance balance_classes weighted_loss", "class_weights"),
    ("opt optim", "optimizer"),
    ("wd decay", "weight_decay"),
    ("schedule scheduler sched lr_schedule lr_scheduler lr_decay", "learning_rate_schedule"),
    ("warmup warmup_steps lr_warmup warm_up", "warmup_epochs"),
    ("smoothing", "label_smoothing"),
    ("hidden hidden_units hidden_size hidden_dim units dense dense_units fc_units", "head_units"),
    ("drop drop_rate dropout_rate", "dropout"),
    ("flip hflip horizontal_flip random_flip fliplr", "flip_horizontal"),
    ("vflip vertical_flip flipud", "flip_vertical"),
    ("rotate rotation rotation_range degrees", "rotation_degrees"),
    ("crop zoom zoom_range random_crop random_resized_crop", "crop_min_area"),
    ("name run_name", "model_name"),
    ("version model_version", "export_version"),
    ("cache cache_dir", "feature_cache feature_cache_dir"),
    ("threshold conf confidence min_confidence score_threshold", "abstain_below"),
    ("monitor metric best", "keep_best"),
    ("exclude ignore", "exclude_list"),
    ("download auto_download online", "allow_download"),
    ("compare baseline", "compare_export_dir"),
    ("dryrun check plan", "dry_run"),
    ("cfg config_file hparams", "config"),
    ("flags flag_file flags_file", "flagfile"),
)
# Names elsewhere of what is no setting here, and why.
_NO_SETTING = (
    (
        "num_classes n_classes nb_classes nc classes class_names",
        "the classes are the folder names, or the CSV's labels",
    ),
    (
        "gpu gpus gpu_id gpu_ids num_gpus device devices cuda use_gpu no_cuda cpu",
        "TensorFlow takes the GPU that it finds; the environment variable CUDA_VISIBLE_DEVICES chooses among several, "
        "and -1 in it leaves them all out",
    ),
    ("workers num_workers threads num_threads n_jobs jobs", "TensorFlow takes all processors that it finds"),
    ("loss criterion", "the loss is always the cross-entropy"),
    ("shuffle", "the images for training are shuffled in every epoch, and the others never"),
    ("resume continue restart", "the same command with the same --run_dir begins an unfinished run again"),
    ("verbose quiet silent debug v", "there are no levels of what is printed"),
)


def advise(name: str, settings: Mapping[str, str]) -> str:
    """What to add to "There is no flag --NAME" or the like.

    Args:
      name: that was given, without its dashes.
      settings: name -> help, of every setting of the command.

    Returns:
      The rest of the sentence with its full stop, and a suggestion where there is one.
    """
    plain = name.lower().replace("-", "_").removeprefix("use_")
    for spelled in (plain, plain.removeprefix("no_"), plain.removeprefix("no")):
        for elsewhere, here in _ELSEWHERE:
            meant = [setting for setting in here.split() if setting in settings]
            if spelled in elsewhere.split() and meant:
                return f": use {' or '.join(_described(setting, settings[setting]) for setting in meant)}."
        for elsewhere, why in _NO_SETTING:
            if spelled in elsewhere.split():
                return f": {why}."
    return f".{nearest(name, tuple(settings))}"


def _described(name: str, help_text: str) -> str:
    """The flag with the first clause of its help, which tells it from the others."""
    clause = re.split(r"[.;:](?:\s|$)|,\s(?![^(]*\))", help_text, maxsplit=1)[0]
    return f"--{name} ({clause})"
