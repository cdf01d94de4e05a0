"""Declares the wrong parts: what is wrong stands in the docstring of each."""

import re

from netlab.specs import ComponentSpec, hookimpl

# Kind -> module -> the parts in it; after "+" tags, after ":" the options model.
PARTS = {
    "block": {
        "blocks": """
            TableInFloat32 DoubleScale ViewOfRows Strided FloorStride+stride StrideTwoOnly+stride
            NormOfInputSize+stride OwnBatchNorm NormMadeNotUsed OwnRelu AddsInPlace CentresTheBatch
            CentresInTraining AttentionOverBatch ReflectPadding DividesByEight DetachedPath DeadBranch
            SwappedSize EvenKernel:Kernel""",
        "stateful_blocks": """
            SeedsGlobally OwnFixedGenerator NumpyWeights PythonDropPath ListOfLayers PlainTensor
            RunningMeanAttribute NotPersistent GraphInBuffer RemembersLast HookToItself HoldsGenerator
            AllowsTf32 OneThread DefaultDouble MakesLayersInForward PrintsShapes NormalizesItsWeights
            SharedFilters TrainForever LaterStage""",
    },
    "norm": {
        "norms": """
            attributes batch_in_evaluation updates_in_evaluation keeps_graph no_epsilon in_place square_only
            half_groups shared_statistics float32_table one_a_width""",
    },
    "activation": {
        "activations": """
            in_place softmax_of_channels exponential root promotes only_images detached_scale sharpens
            grad_off""",
    },
    "backbone": {
        "backbones": """
            probabilities log_probabilities own_blocks own_norm own_activation wrong_block_size swapped_size
            hidden_skip fixed_flatten seeds centres_the_batch view_flatten plain_mean""",
    },
    "optimizer": {
        "optimizers": """
            own_rate first_rate takes_names momentum_elsewhere counts_itself noisy decays_all matrices_only
            needs_every_gradient views_weights rows_in_memory""",
    },
    "schedule": {
        "schedules": """
            one_step_short below_zero percent jitter own_count from_epochs never_there infinite_root
            remembers_first_run warm_only:Warmup as_text""",
    },
    "loss": {
        "losses": """
            adds_up hard hundred by_positives logarithm no_background running_mean one_number python_number
            label_noise smooths_in_place squeezes only_four on_the_processor confident""",
    },
    "augmentation": {
        "augmentations": """
            global_generator numpy_generator python_when_applied one_draw to_one no_clamp untagged_flip
            untagged_shift+geometric forgets_the_map+geometric+horizontal-flip swaps_axes+geometric+rotation
            writes_the_map+geometric+horizontal-flip wraps+geometric+translation mixes_images_only
            targets_too_much+mixing mixes_other_targets+mixing square_images+rotation only_colour
            whole_numbers on_the_processor fixed_batch""",
    },
    "recipe": {
        "recipes": """
            misspelt_part misspelt_option misspelt_setting fraction_of_epochs shared_table divides_by_few
            no_part_name one_augmentation""",
    },
    "metric": {
        "metrics": """
            neighbours_in_order+range:0:1+better:higher breaks_ties_by_index+range:0:1+better:higher
            uses_codes+range:0:1+better:higher first_half+range:0:1+better:higher
            points_of_queries+range:0:1+better:higher all_are_queries+range:0:1+better:higher
            class_numbers+range:0:1+better:higher lower_but_higher+range:0:1+better:higher
            not_in_range+range:0:1+better:higher always_the_same+range:0:1+better:higher
            random_sample+range:0:1+better:higher seeds_numpy+range:0:1+better:higher
            torch_threads+range:0:1+better:higher ignores_warnings+range:0:1+better:higher
            sorts_labels+range:0:+better:higher length_without_exponent+better:higher
            nan_of_empty+range:0:1+better:higher first_feature+range:0:1+better:higher
            remembers+range:0:1+better:higher integer_value+range:0:1+better:higher no_direction+range:0:1""",
    },
    "proposer": {
        "proposers": """
            swapped_on_squares rows_first widths bgr at_least_ten best_of_each shared_buffer random_order
            seeds_opencv one_thread fills_up blurs_in_place inclusive remembers_sizes small_scale""",
    },
    "dataset": {
        "datasets": """
            overlap val_of_train shuffled_split seeds counts_from_one zero_to_one writes_elsewhere int_labels
            other_size names_of_numbers no_file transposed extreme_options:Images prints""",
    },
    "extractor": {
        "extractors": """
            strides_of_stages overwrites_the_map never_strict unpickles mean_of_bgr centres_the_batch views
            transposes seeds changes_input""",
    },
}


def parts_of(text):
    """Attribute, tags and options model of each part in a list."""
    for word in text.split():
        attribute, *tags = word.split("+")
        attribute, _, model = attribute.partition(":")
        yield attribute, frozenset(tags), model


def name_of(attribute):
    """TableInFloat32 and table_in_float32 are called table-in-float32."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", attribute).lower().replace("_", "-")


@hookimpl
def netlab_components():
    for kind, modules in PARTS.items():
        for module, text in modules.items():
            for attribute, tags, model in parts_of(text):
                yield ComponentSpec(
                    kind=kind,
                    name=name_of(attribute),
                    summary=f"Wrong: {attribute}",
                    target=f"broken.{module}:{attribute}",
                    options=f"broken.options:{model}" if model else None,
                    tags=tags,
                )
