"""Recurrent layers: cells, which make one step, what runs them over time, and ready layers of several of them."""

from unimod.nn.recurrent.cells import GRUCell as GRUCell
from unimod.nn.recurrent.cells import LSTMCell as LSTMCell
from unimod.nn.recurrent.cells import VanillaRNNCell as VanillaRNNCell
from unimod.nn.recurrent.conv_cells import ConvLSTM as ConvLSTM
from unimod.nn.recurrent.conv_cells import ConvLSTMCell as ConvLSTMCell
from unimod.nn.recurrent.layers import GRU as GRU
from unimod.nn.recurrent.layers import LSTM as LSTM
from unimod.nn.recurrent.layers import VanillaRNN as VanillaRNN
from unimod.nn.recurrent.minimal import MGUCell as MGUCell
from unimod.nn.recurrent.stacked import StackedCells as StackedCells
from unimod.nn.recurrent.wrappers import RNN as RNN
from unimod.nn.recurrent.wrappers import Bidirectional as Bidirectional
