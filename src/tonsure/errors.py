"""What can go wrong, each in one sentence with the way out."""

from __future__ import annotations


class TonsureError(Exception):
    """The root of all errors of this package: a stable `code` and the command line's exit code."""

    code = "internal"
    exit_code = 1


class BadOption(TonsureError):
    """An option has a value that is not allowed."""

    code = "bad-option"
    exit_code = 2


class NoFace(TonsureError):
    """No usable face."""

    code = "no-face"
    exit_code = 4


class ModelError(TonsureError):
    """Weights cannot be used."""

    code = "model"
    exit_code = 6


class ModelMissing(ModelError):
    """There is no such model, or its file is gone."""

    code = "model-missing"


class ModelDamaged(ModelError):
    """The file is not what was shipped."""

    code = "model-damaged"
