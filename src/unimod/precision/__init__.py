"""Mixed precision: which dtypes a module keeps its parameters in, computes in, and gives out.

Example:
    >>> import unimod as um
    >>> net = um.apply_policy(um.nn.MLP([2, 8, 1]).init(0), "params=float32,compute=bfloat16,output=float32")
    >>> y = net(um.numpy.ones((4, 2)))
    >>> um.dtype_of(net.layers[0].kernel), um.dtype_of(y)
    (float32, float32)
"""

from unimod.precision._apply import apply_policy, policy_of, unwrap_policy
from unimod.precision._policy import Policy

__all__ = ["Policy", "apply_policy", "policy_of", "unwrap_policy"]
