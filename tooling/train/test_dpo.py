"""The DPO loss against cases worked out by hand. Run: python3 -m unittest, in this folder."""
import math
import unittest

import torch

from longtake_train.dpo import dpo_loss


class DpoLoss(unittest.TestCase):
    def test_a_case_worked_out_by_hand(self):
        # (−1 − −1.5) − (−2 − −1) = 0.5 + 1 = 1.5; β = 0.1: −log σ(0.15) = log(1 + e^−0.15)
        loss = dpo_loss(torch.tensor([-1.0]), torch.tensor([-2.0]), torch.tensor([-1.5]), torch.tensor([-1.0]), 0.1)
        self.assertAlmostEqual(loss.item(), 0.620957, places=5)
        self.assertAlmostEqual(loss.item(), math.log1p(math.exp(-0.15)), places=6)

    def test_is_log_2_where_nothing_has_changed(self):
        x, y = torch.tensor([-3.0, -0.1]), torch.tensor([-0.5, -9.0])
        self.assertAlmostEqual(dpo_loss(x, y, x, y, 0.1).item(), math.log(2), places=6)

    def test_is_the_mean_over_pairs(self):
        # margins 2 and −4 at β = 0.5: log(1 + e^−1) = 0.313262 and log(1 + e^2) = 2.126928
        zero = torch.zeros(2)
        loss = dpo_loss(torch.tensor([2.0, -4.0]), zero, zero, zero, 0.5)
        self.assertAlmostEqual(loss.item(), (0.313262 + 2.126928) / 2, places=5)

    def test_pulls_the_chosen_up_and_the_rejected_down_alike(self):
        chosen, rejected = torch.tensor([-1.0], requires_grad=True), torch.tensor([-1.0], requires_grad=True)
        dpo_loss(chosen, rejected, torch.tensor([-1.0]), torch.tensor([-1.0]), 0.1).backward()
        # the slope of −log σ(βx) at 0 is −β/2
        self.assertAlmostEqual(chosen.grad.item(), -0.05, places=6)
        self.assertAlmostEqual(rejected.grad.item(), 0.05, places=6)


if __name__ == "__main__":
    unittest.main()
