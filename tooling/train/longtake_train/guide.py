"""The guide of prompt-guided pooling in PyTorch: CLIP's text tower and both projections, with PPLLaVA's tensor names.

Dimensions: B texts, L tokens, F frames, P patches, A width of the common space.
"""
from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .model import ClipAttention, ClipMLP
from .vocabulary import BOS, EOS, PAD, encode

KEPT, STRETCH = 20, 4


@dataclass(frozen=True)
class GuideConfig:
    vocab_size: int
    vision_size: int = 128
    hidden_size: int = 64
    num_hidden_layers: int = 2
    num_attention_heads: int = 1
    intermediate_size: int = 256
    positions: int = 77
    projection_dim: int = 64


class CausalAttention(ClipAttention):
    def forward(self, x: Tensor) -> Tensor:
        b, t, w = x.shape
        q, k, v = (p(x).view(b, t, self.heads, -1).transpose(1, 2) for p in (self.q_proj, self.k_proj, self.v_proj))
        later = torch.ones(t, t, dtype=torch.bool).triu(1)
        scores = torch.matmul(q * (w // self.heads) ** -0.5, k.transpose(2, 3)).masked_fill(later, -1e9)
        return self.out_proj(torch.matmul(scores.softmax(-1), v).transpose(1, 2).reshape(b, t, w))


class TextLayer(nn.Module):
    def __init__(self, c: GuideConfig):
        super().__init__()
        self.self_attn, self.mlp = CausalAttention(c.hidden_size, c.num_attention_heads), ClipMLP(c.hidden_size, c.intermediate_size)
        self.layer_norm1, self.layer_norm2 = nn.LayerNorm(c.hidden_size, 1e-5), nn.LayerNorm(c.hidden_size, 1e-5)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.self_attn(self.layer_norm1(x))
        return x + self.mlp(self.layer_norm2(x))


class TextEmbeddings(nn.Module):
    def __init__(self, c: GuideConfig):
        super().__init__()
        self.token_embedding = nn.Embedding(c.vocab_size, c.hidden_size)
        self.position_embedding = nn.Embedding(c.positions, c.hidden_size)
        nn.init.normal_(self.token_embedding.weight, std=0.5)
        nn.init.normal_(self.position_embedding.weight, std=0.05)


class TextEncoder(nn.Module):
    def __init__(self, c: GuideConfig):
        super().__init__()
        self.layers = nn.ModuleList(TextLayer(c) for _ in range(c.num_hidden_layers))


class TextModel(nn.Module):
    def __init__(self, c: GuideConfig):
        super().__init__()
        self.embeddings, self.encoder = TextEmbeddings(c), TextEncoder(c)
        self.final_layer_norm = nn.LayerNorm(c.hidden_size, 1e-5)

    def forward(self, ids: Tensor, ends: Tensor) -> Tensor:
        """State at each text's end, [B, hidden]."""
        x = self.embeddings.token_embedding(ids) + self.embeddings.position_embedding.weight[:ids.shape[1]]
        for layer in self.encoder.layers:
            x = layer(x)
        return self.final_layer_norm(x)[torch.arange(len(ids)), ends]


class Guide(nn.Module):
    def __init__(self, c: GuideConfig):
        super().__init__()
        self.config = c
        self.clip_text_model = TextModel(c)
        self.clip_text_projection = nn.Linear(c.hidden_size, c.projection_dim, bias=False)
        self.clip_visual_ln = nn.LayerNorm(c.vision_size, 1e-5)
        self.clip_visual_projection = nn.Linear(c.vision_size, c.projection_dim, bias=False)
        self.logit_scale = nn.Parameter(torch.tensor(2.5))

    def text(self, texts: list[list[int]]) -> Tensor:
        """Unit vectors [B, A] of texts between their begin and end tokens."""
        ids = [[BOS] + t + [EOS] for t in texts]
        longest = max(map(len, ids))
        table = torch.tensor([i + [PAD] * (longest - len(i)) for i in ids])
        state = self.clip_text_model(table, torch.tensor([len(i) - 1 for i in ids]))
        return F.normalize(self.clip_text_projection(state), dim=-1)

    def patches(self, features: Tensor) -> Tensor:
        """Unit vectors [F, P, A] of vision features [F, 1 + P, Dv], class token first."""
        return F.normalize(self.clip_visual_projection(self.clip_visual_ln(features[:, 1:])), dim=-1)

    def logits(self, text: Tensor, patches: Tensor) -> Tensor:
        """[B, F, P]"""
        return self.logit_scale.clamp(max=4.6052).exp() * torch.einsum("ba,fpa->bfp", text, patches)


def stretch(table: Tensor) -> Tensor:
    """Position rows for PPLLaVA's longer text: the first 20 stay, every gap after them takes three rows between."""
    length = len(table)
    rows = [table[:KEPT]]
    for i in range(KEPT, length):
        step = table[i + 1] - table[i] if i + 1 < length else table[i] - table[i - 1]
        rows.append(torch.stack([table[i] + step * part / STRETCH for part in range(STRETCH)]))
    return torch.cat(rows)


