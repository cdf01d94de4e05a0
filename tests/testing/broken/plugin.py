"""Declares the wrong parts: what is wrong stands in the docstring of each."""

import re

from netlab.specs import ComponentSpec, hookimpl

# Kind -> module -> a line a part: the check that catches it, and the part, after "+" its tags, after ":" options.
PARTS = {
    "block": {
        "blocks": """
            autocast                 TableInFloat32
            dtype                    DoubleScale
            autocast                 ViewOfRows
            channels-last            Strided
            stride                   FloorStride+stride
            stride                   StrideTwoOnly+stride
            chosen-norm              NormOfInputSize+stride
            chosen-norm              OwnBatchNorm
            chosen-norm              NormMadeNotUsed
            chosen-activation        OwnRelu
            input-kept               AddsInPlace
            independent-images       CentresTheBatch
            independent-images       CentresInTraining
            independent-images       AttentionOverBatch
            small-maps               ReflectPadding
            few-channels             DividesByEight
            gradients                DetachedPath
            gradients                DeadBranch
            other-channels           SwappedSize
            option-range             EvenKernel:Kernel
            other-size-in-forward    FixedSize
        """,
        "stateful_blocks": """
            seeds                    SeedsGlobally
            seeds                    OwnFixedGenerator
            seeds                    NumpyWeights
            surroundings             PythonDropPath
            device                   ListOfLayers
            device                   PlainTensor
            device                   RunningMeanAttribute
            state-dict               NotPersistent
            steps                    GraphInBuffer
            device                   RemembersLast
            copies                   HookToItself
            copies                   HoldsGenerator
            surroundings             AllowsTf32
            surroundings             OneThread
            surroundings             DefaultDouble
            parameters-kept          MakesLayersInForward
            surroundings             PrintsShapes
            parameters-kept          NormalizesItsWeights
            own-module               SharedFilters
            channels-last            TrainForever
            state-dict               LaterStage
        """,
    },
    "norm": {
        "norms": """
            state-dict               attributes
            independent-images       batch_in_evaluation
            determinism              updates_in_evaluation
            steps                    keeps_graph
            train-and-evaluate       no_epsilon
            autocast                 in_place
            other-channels           square_only
            other-channels           half_groups
            own-module               shared_statistics
            device                   float32_table
            own-module               one_a_width
        """,
    },
    "activation": {
        "activations": """
            channels-last            in_place
            element-by-element       softmax_of_channels
            everywhere               exponential
            everywhere               root
            keeps-bfloat16           promotes
            shape                    only_images
            gradients                detached_scale
            determinism              sharpens
            surroundings             grad_off
        """,
        "import_time": """
            quiet-import             changes_at_import
        """,
    },
    "backbone": {
        "backbones": """
            logits                   probabilities
            logits                   log_probabilities
            chosen-block             own_blocks
            chosen-norm              own_norm
            chosen-activation        own_activation
            chosen-block             wrong_block_size
            chosen-norm              swapped_size
            named-layers             hidden_skip
            grey-and-other-sizes     fixed_flatten
            seeds                    seeds
            independent-images       centres_the_batch
            autocast                 view_flatten
            device                   plain_mean
        """,
    },
    "optimizer": {
        "optimizers": """
            peak-rate                own_rate
            rate                     first_rate
            every-parameter          takes_names
            state                    momentum_elsewhere
            state                    counts_itself
            surroundings             noisy
            weight-decay             decays_all
            descends                 matrices_only
            without-gradient         needs_every_gradient
            channels-last            views_weights
            channels-last            rows_in_memory
        """,
    },
    "schedule": {
        "schedules": """
            pure                     one_step_short
            in-range                 below_zero
            in-range                 percent
            surroundings             jitter
            pure                     own_count
            ends                     from_epochs
            in-range                 never_there
            in-range                 infinite_root
            pure                     remembers_first_run
            option-range             warm_only:Warmup
            in-range                 as_text
        """,
    },
    "loss": {
        "losses": """
            mean                     adds_up
            probabilities            hard
            mean                     hundred
            mean                     by_positives
            extreme-logits           logarithm
            any-shape                no_background
            no-memory                running_mean
            scalar                   one_number
            scalar                   python_number
            surroundings             label_noise
            input-kept               smooths_in_place
            any-shape                squeezes
            device                   only_four
            device                   on_the_processor
            probabilities            confident
        """,
    },
    "augmentation": {
        "augmentations": """
            surroundings             global_generator
            surroundings             numpy_generator
            surroundings             python_when_applied
            own-draws                one_draw
            in-range                 to_one
            in-range                 no_clamp
            changes-stated           untagged_flip
            changes-stated           untagged_shift+geometric
            composes                 forgets_the_map+geometric+horizontal-flip
            composes                 swaps_axes+geometric+rotation
            input-kept               writes_the_map+geometric+horizontal-flip
            composes                 wraps+geometric+translation
            independent-images       mixes_images_only
            targets-follow           targets_too_much+mixing
            targets-follow           mixes_other_targets+mixing
            shape                    square_images+rotation
            device                   only_colour
            shape                    whole_numbers
            device                   on_the_processor
            drawn-once               fixed_batch
        """,
    },
    "callback": {
        "callbacks": """
            evaluation-restores      never_back
            resumes                  no_state
            resumes                  count_outside
            determinism              global_noise
            columns                  undeclared_column
            surroundings             python_luck
            still-trains             divides_by_zero
        """,
    },
    "recipe": {
        "recipes": """
            known-values             misspelt_part
            known-values             misspelt_option
            known-values             misspelt_setting
            known-values             fraction_of_epochs
            pure                     shared_table
            plain                    divides_by_few
            known-tables             no_part_name
            known-tables             one_augmentation
        """,
    },
    "metric": {
        "metrics": """
            better-separation        neighbours_in_order+range:0:1+better:higher
            order-of-points          breaks_ties_by_index+range:0:1+better:higher
            names-of-classes         uses_codes+range:0:1+better:higher
            order-of-points          first_half+range:0:1+better:higher
            sampled-queries          points_of_queries+range:0:1+better:higher
            sampled-queries          all_are_queries+range:0:1+better:higher
            result                   class_numbers+range:0:1+better:higher
            better-separation        lower_but_higher+range:0:1+better:higher
            bounds                   not_in_range+range:0:1+better:higher
            better-separation        always_the_same+range:0:1+better:higher
            surroundings             random_sample+range:0:1+better:higher
            surroundings             seeds_numpy+range:0:1+better:higher
            surroundings             torch_threads+range:0:1+better:higher
            surroundings             ignores_warnings+range:0:1+better:higher
            input-unchanged          sorts_labels+range:0:+better:higher
            units                    length_without_exponent+better:higher
            empty-class              nan_of_empty+range:0:1+better:higher
            few-features-and-points  first_feature+range:0:1+better:higher
            repeatable               remembers+range:0:1+better:higher
            result                   integer_value+range:0:1+better:higher
            direction                no_direction+range:0:1
        """,
    },
    "proposer": {
        "proposers": """
            drawn-squares            swapped_on_squares
            drawn-squares            rows_first
            drawn-squares            widths
            red-and-blue             bgr
            limit-is-a-prefix        at_least_ten
            limit-is-a-prefix        best_of_each
            in-threads               shared_buffer
            repeatable               random_order
            surroundings             seeds_opencv
            surroundings             one_thread
            few-duplicates           fills_up
            input-unchanged          blurs_in_place
            tiny-image               inclusive
            repeatable               remembers_sizes
            drawn-squares            small_scale
        """,
    },
    "dataset": {
        "datasets": """
            disjoint                 overlap
            disjoint                 val_of_train
            repeatable               shuffled_split
            surroundings             seeds
            labels                   counts_from_one
            brightness               zero_to_one
            own-folder               writes_elsewhere
            labels                   int_labels
            images                   other_size
            class-names              names_of_numbers
            offline                  no_file
            images                   transposed
            option-range             extreme_options:Images
            surroundings             prints
        """,
    },
    "extractor": {
        "extractors": """
            stages                   strides_of_stages
            maps-kept                overwrites_the_map
            other-weights            never_strict
            other-weights            unpickles
            preprocessing            mean_of_bgr
            independent-images       centres_the_batch
            autocast                 views
            stages                   transposes
            seeds                    seeds
            input-kept               changes_input
        """,
    },
    "detector": {
        "detectors": """
            finds                    worst_first
            finds                    labels_from_zero
            finds                    twice_as_large
            without-objects          needs_objects
            trains                   detached
            trains                   one_number
            learns                   stubborn
            determinism              remembers
            state-dict               aside
            seeds                    own_seed
            input-kept               in_place
            few-classes              two_classes
            head-shape               half_a_unit+regions
        """,
    },
}


def parts_of(text):
    """Attribute, tags and options model of each part in a list, and the check that catches it."""
    for line in text.split("\n"):
        if line.strip():
            check, part = line.split()
            attribute, *tags = part.split("+")
            attribute, _, model = attribute.partition(":")
            yield attribute, frozenset(tags), model, check


def name_of(attribute):
    """TableInFloat32 and table_in_float32 are called table-in-float32."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", attribute).lower().replace("_", "-")


@hookimpl
def netlab_components():
    for kind, modules in PARTS.items():
        if kind != "norm":  # blocks are tried with every norm of their plugin
            yield from declared(kind, modules)


def declared(kind, modules):
    for module, text in modules.items():
        for attribute, tags, model, _ in parts_of(text):
            yield ComponentSpec(
                kind=kind,
                name=name_of(attribute),
                summary=f"Wrong: {attribute}",
                target=f"broken.{module}:{attribute}",
                options=f"broken.options:{model}" if model else None,
                tags=tags,
            )
