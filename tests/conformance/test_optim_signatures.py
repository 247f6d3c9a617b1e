"""Names and defaults of options are optax's; what differs stands here with a reason, and is checked to differ still."""

from __future__ import annotations

import inspect

import pytest

import unimod as um

pytestmark = pytest.mark.needs("jax")

_DEFINITION = "torch.optim has another default under this name; None means that of the definition"
_TORCH = "an option of torch.optim beside those of optax"
_NAME = "the name of a dtype in the place of a class of JAX"
_PRINTS = "nothing is printed from within a step; what a search found is in its state"
_SEED = "there is no hidden seed"
_STATIC = "masks and labels are looked at once, by init, and values for one step are passed to all parts"
_NESTEROV = "optax has it as an option of Adam; without it this is Adam"
_PARTS = "only the name of the arguments differs"
_REQUIRED = "a rate is always needed"
_METHOD = "a class with other methods in optax"

WANTED: dict[tuple[str, str], str] = {
    **{(name, "maximize"): _TORCH for name in ("adadelta", "adagrad", "adam", "adamax", "adamaxw", "adamw", "amsgrad")},
    **{(name, "maximize"): _TORCH for name in ("nadam", "nadamw", "radam", "rmsprop", "rprop", "sgd")},
    **{
        (name, "weight_decay"): _TORCH for name in ("adagrad", "adam", "adamax", "amsgrad", "nadam", "radam", "rmsprop")
    },
    **{(name, "definition"): _TORCH for name in ("adagrad", "adamw", "amsgrad", "nadam", "nadamw", "radam", "rmsprop")},
    **{(name, "amsgrad"): _TORCH for name in ("adam", "adamw")},
    **{(name, "momentum_decay"): _TORCH for name in ("nadam", "nadamw")},
    **{("sgd", name): _TORCH for name in ("dampening", "weight_decay")},
    ("rprop", "definition"): _TORCH,
    ("adadelta", "learning_rate"): "None means 1 in optax",
    ("adafactor", "dtype_momentum"): _NAME,
    ("adagrad", "eps"): _DEFINITION,
    ("adagrad", "initial_accumulator_value"): _DEFINITION,
    ("adamw", "weight_decay"): _DEFINITION,
    ("add_noise", "key"): _SEED,
    ("add_noise", "seed"): _SEED,
    ("adopt", "clip_value_fn"): "None stands for the function that optax has as its default",
    ("chain", "args"): _PARTS,
    ("chain", "parts"): _PARTS,
    ("hutchinson_estimator_diag_hessian", "random_seed"): "None means 0 in optax",
    ("lbfgs", "linesearch"): "the same search, as an object of another class",
    ("masked", "mask_compatible_extra_args"): _STATIC,
    ("multi_transform", "mask_compatible_extra_args"): _STATIC,
    ("muon", "muon_params"): "labels in the place of dimension numbers",
    ("nadam", "nesterov"): _NESTEROV,
    ("nadamw", "nesterov"): _NESTEROV,
    ("named_chain", "args"): _PARTS,
    ("named_chain", "parts"): _PARTS,
    ("noisy_sgd", "key"): _SEED,
    ("noisy_sgd", "seed"): _SEED,
    ("partition", "mask_compatible_extra_args"): _STATIC,
    ("rmsprop", "decay"): _DEFINITION,
    ("rmsprop", "eps_in_sqrt"): _DEFINITION,
    ("sam", "batch_axis_name"): "the function of gradients can average them itself",
    ("scale_by_adopt", "clip_value_fn"): "None stands for the function that optax has as its default",
    ("scale_by_backtracking_linesearch", "verbose"): _PRINTS,
    ("scale_by_distance_over_gradients", "param_dtype"): _NAME,
    ("scale_by_factored_rms", "decay_rate_fn"): "None stands for the function that optax has as its default",
    ("scale_by_learning_rate", "learning_rate"): _REQUIRED,
    ("scale_by_zoom_linesearch", "verbose"): _PRINTS,
    ("sophia", "hessian_diagonal_fn"): "the same estimate, as an object of another class",
    ("sophia", "print_win_rate_every_n_steps"): _PRINTS,
    ("sophia", "verbose"): _PRINTS,
}
"""By name and option what is not as in optax, and why."""

WITHOUT = {"MultiSteps": _METHOD, "Schedule": "a type"}
"""Names that are something else in optax."""


def both():
    import optax
    import optax.contrib

    for name in um.optim.__all__:
        theirs = vars(optax.contrib).get(name) or vars(optax).get(name)
        if callable(theirs) and name not in WITHOUT:
            yield name, inspect.signature(getattr(um.optim, name)), inspect.signature(theirs)


def differences():
    for name, ours, theirs in both():
        ours, theirs = ({option: repr(x.default) for option, x in own.parameters.items()} for own in (ours, theirs))
        yield from ((name, option) for option in {**ours, **theirs} if ours.get(option) != theirs.get(option))


def test_names_and_defaults_of_options_are_those_of_optax():
    found = set(differences())
    assert len(list(both())) > 120
    assert sorted(found - WANTED.keys()) == [], "options that differ from optax, for no reason"
    assert sorted(WANTED.keys() - found) == [], "reasons for differences that are gone"


LEFT_OUT = {
    "inject_stateful_hyperparams": "a deprecated name of inject_hyperparams",
    "microbatch": "accumulation over batches is MultiSteps; over parts of one batch it is a loop",
    "with_extra_args_support": "every transformation takes what it knows, and passes the rest on",
    "tree_map_params": "states are Modules: um.tree.map, and filters by kind",
    "scale_gradient": "a function of losses",
    "init_empty_state": "no state is an empty dict",
    **dict.fromkeys(
        ("bias_correction", "update_infinity_moment", "update_moment", "update_moment_per_elem_norm"),
        "what formulas are made of: written with um.tree.map in one line",
    ),
    **dict.fromkeys(
        ("safe_increment", "safe_int32_increment", "safe_norm", "safe_root_mean_squares"),
        "arithmetic, not an optimizer",
    ),
    **dict.fromkeys(("matrix_inverse_pth_root", "nnls", "power_iteration", "multi_normal"), "not an optimizer"),
}
"""Functions of optax, but for its losses, that um.optim does not have, and why."""


def test_every_transformation_and_schedule_of_optax_is_here_or_left_out_for_a_reason():
    import optax
    import optax.contrib
    import optax.losses
    import optax.schedules

    def functions(module):
        return {name for name, value in vars(module).items() if name[0].islower() and callable(value)}

    losses = functions(optax.losses)
    known = functions(optax) | functions(optax.contrib) | functions(optax.schedules)
    missing = {name for name in known - losses if not hasattr(um.optim, name)}
    assert sorted(missing - LEFT_OUT.keys()) == []
    assert sorted(LEFT_OUT.keys() - missing) == []
