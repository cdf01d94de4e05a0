"""Declares the callbacks 'ema' and 'sam'.

Every netlab command imports this file: nothing heavy in it.
"""

from collections.abc import Iterable

from netlab.specs import ComponentSpec, hookimpl

CODE, OPTIONS = "netlab_ema.callbacks", "netlab_ema.options"


@hookimpl
def netlab_components() -> Iterable[ComponentSpec]:
    ema, sam = "Measures and keeps an average of the weights", "Sharpness-aware steps"
    yield ComponentSpec("callback", "ema", ema, f"{CODE}:Ema", f"{OPTIONS}:EmaOptions")
    yield ComponentSpec("callback", "sam", sam, f"{CODE}:Sam", f"{OPTIONS}:SamOptions")
