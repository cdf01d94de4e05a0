"""Recipes with one mistake each."""

TABLES: dict = {"optimizer": {"name": "sgd"}, "training": {"epochs": 5}}
SEEN: list = []


def misspelt_part(facts, *, options):
    """Names an optimizer that there is not."""
    return {"optimizer": {"name": "sdg"}}


def misspelt_option(facts, *, options):
    """Gives an option that the part does not have."""
    return {"optimizer": {"name": "sgd", "momentun": 0.9}}


def misspelt_setting(facts, *, options):
    """Gives a setting of training that there is not."""
    return {"training": {"epoch": 5}}


def fraction_of_epochs(facts, *, options):
    """Epochs from a division."""
    return {"training": {"epochs": 50_000 / facts.training_images}}


def shared_table(facts, *, options):
    """Adds to one table at every call."""
    SEEN.append(facts.classes)
    return {"training": {"epochs": min(5 + len(SEEN), 50)}}


def divides_by_few(facts, *, options):
    """Fails on a data set of fewer than a thousand images."""
    return {"training": {"epochs": 20 // (facts.training_images // 1000)}}


def no_part_name(facts, *, options):
    """Options of a part that it does not name."""
    return {"optimizer": {"momentum": 0.9}}


def one_augmentation(facts, *, options):
    """A table where a list is expected."""
    return {"augment": {"name": "flip"}}
