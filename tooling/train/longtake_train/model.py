"""The model in PyTorch, with the tensor names of a published Video-LLaVA checkpoint.

Dimensions: B sequences or clips, T tokens, N = 8 frames of a clip, P = tokens of a frame, D width.
"""
from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class VisionConfig:
    hidden_size: int = 128
    num_hidden_layers: int = 3
    num_attention_heads: int = 4
    intermediate_size: int = 512
    image_size: int = 48
    patch_size: int = 24
    num_frames: int = 8

    @property
    def tokens(self) -> int:
        return (self.image_size // self.patch_size) ** 2 + 1


@dataclass(frozen=True)
class TextConfig:
    vocab_size: int
    hidden_size: int = 128
    num_hidden_layers: int = 4
    num_attention_heads: int = 4
    head_dim: int = 32
    intermediate_size: int = 384
    rope_theta: float = 10_000.0
    rms_norm_eps: float = 1e-5


class RMSNorm(nn.Module):
    def __init__(self, width: int, eps: float):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(width)), eps

    def forward(self, x: Tensor) -> Tensor:
        # x * x, not pow(2): a third of a training step on a CPU
        return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + self.eps) * self.weight


def rope_tables(positions: Tensor, head_dim: int, theta: float) -> tuple[Tensor, Tensor]:
    """cos and sin [..., T, head_dim / 2] of positions [..., T]."""
    frequencies = theta ** (-torch.arange(0, head_dim, 2, dtype=torch.float64) / head_dim)
    angles = positions.to(torch.float64)[..., None] * frequencies
    return angles.cos().float(), angles.sin().float()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotates halves, as Llama does: x [B, H, T, d], tables [B or 1, 1, T, d / 2]."""
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


def rounded(x: Tensor, bits: int, prefix: int) -> Tensor:
    """Keys or values [B, H, T, d] as a small KV cache keeps them: one scale a channel, taken from the first tokens.

    Gradients pass as if nothing had been rounded.
    """
    most = 2 ** (bits - 1) - 1
    scale = x[:, :, :prefix].detach().abs().amax(2, keepdim=True).clamp(min=1e-6) / most
    kept = (x.detach() / scale).round().clamp(-most - 1, most) * scale
    return x + (kept - x.detach())


class SelfAttention(nn.Module):
    # Bits of the KV cache and length of what it takes its scales from; None keeps it exact.
    rounding: tuple[int, int] | None = None

    def __init__(self, c: TextConfig):
        super().__init__()
        inner = c.num_attention_heads * c.head_dim
        self.heads, self.head_dim = c.num_attention_heads, c.head_dim
        self.q_proj = nn.Linear(c.hidden_size, inner, bias=False)
        self.k_proj = nn.Linear(c.hidden_size, inner, bias=False)
        self.v_proj = nn.Linear(c.hidden_size, inner, bias=False)
        self.o_proj = nn.Linear(inner, c.hidden_size, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
        """New states [B, T, D] and who looked at whom [B, H, T, T]."""
        b, t, _ = x.shape
        q, k, v = (p(x).view(b, t, self.heads, self.head_dim).transpose(1, 2)
                   for p in (self.q_proj, self.k_proj, self.v_proj))
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        if self.rounding:
            k, v = rounded(k, *self.rounding), rounded(v, *self.rounding)
        weights = (torch.matmul(q * self.head_dim ** -0.5, k.transpose(2, 3)) + bias).softmax(-1)
        return self.o_proj(torch.matmul(weights, v).transpose(1, 2).reshape(b, t, -1)), weights


class MLP(nn.Module):
    def __init__(self, c: TextConfig):
        super().__init__()
        self.gate_proj = nn.Linear(c.hidden_size, c.intermediate_size, bias=False)
        self.up_proj = nn.Linear(c.hidden_size, c.intermediate_size, bias=False)
        self.down_proj = nn.Linear(c.intermediate_size, c.hidden_size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class DecoderLayer(nn.Module):
    def __init__(self, c: TextConfig):
        super().__init__()
        self.self_attn, self.mlp = SelfAttention(c), MLP(c)
        self.input_layernorm = RMSNorm(c.hidden_size, c.rms_norm_eps)
        self.post_attention_layernorm = RMSNorm(c.hidden_size, c.rms_norm_eps)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
        attended, weights = self.self_attn(self.input_layernorm(x), cos, sin, bias)
        x = x + attended
        return x + self.mlp(self.post_attention_layernorm(x)), weights


class LlamaModel(nn.Module):
    def __init__(self, c: TextConfig):
        super().__init__()
        self.embed_tokens = nn.Embedding(c.vocab_size, c.hidden_size)
        self.layers = nn.ModuleList(DecoderLayer(c) for _ in range(c.num_hidden_layers))
        self.norm = RMSNorm(c.hidden_size, c.rms_norm_eps)


class LanguageModel(nn.Module):
    def __init__(self, c: TextConfig):
        super().__init__()
        self.config, self.model = c, LlamaModel(c)
        self.lm_head = nn.Linear(c.hidden_size, c.vocab_size, bias=False)
        for name, p in self.named_parameters():
            if p.dim() == 2:
                nn.init.normal_(p, std=p.shape[1] ** -0.5 if "embed" not in name else 1.0)
                if name.endswith(("o_proj.weight", "down_proj.weight")):
                    p.data /= math.sqrt(2 * c.num_hidden_layers)

    def round_cache(self, rounding: tuple[int, int] | None) -> None:
        for layer in self.model.layers:
            layer.self_attn.rounding = rounding

    def forward(self, embeds: Tensor, positions: Tensor, allowed: Tensor, tables=None) -> tuple[Tensor, list[Tensor]]:
        """Last hidden states [B, T, D] of embeds [B, T, D], and each layer's attention [B, H, T, T].

        `allowed` [B, T, T] says who sees whom.
        """
        cos, sin = tables or rope_tables(positions, self.config.head_dim, self.config.rope_theta)
        bias = torch.zeros(allowed.shape).masked_fill_(~allowed, -1e9)[:, None]
        x, attention = embeds, []
        for layer in self.model.layers:
            x, weights = layer(x, cos[:, None], sin[:, None], bias)
            attention.append(weights)
        return self.model.norm(x), attention


class ClipAttention(nn.Module):
    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.k_proj, self.v_proj = nn.Linear(width, width), nn.Linear(width, width)
        self.q_proj, self.out_proj = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        b, t, w = x.shape
        q, k, v = (p(x).view(b, t, self.heads, -1).transpose(1, 2) for p in (self.q_proj, self.k_proj, self.v_proj))
        weights = torch.matmul(q * (w // self.heads) ** -0.5, k.transpose(2, 3)).softmax(-1)
        return self.out_proj(torch.matmul(weights, v).transpose(1, 2).reshape(b, t, w))


class ClipMLP(nn.Module):
    def __init__(self, width: int, inner: int):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, inner), nn.Linear(inner, width)

    def forward(self, x: Tensor) -> Tensor:
        x = self.fc1(x)
        return self.fc2(x * torch.sigmoid(1.702 * x))


class ClipLayer(nn.Module):
    """A CLIP block with LanguageBind's attention over the N slots of each patch position before it."""

    def __init__(self, c: VisionConfig):
        super().__init__()
        w = c.hidden_size
        self.frames = c.num_frames
        self.temporal_embedding = nn.Parameter(torch.randn(1, c.num_frames, w) * 0.1)
        self.temporal_attn = ClipAttention(w, c.num_attention_heads)
        self.temporal_layer_norm1 = nn.LayerNorm(w, 1e-5)
        self.self_attn = ClipAttention(w, c.num_attention_heads)
        self.layer_norm1, self.layer_norm2 = nn.LayerNorm(w, 1e-5), nn.LayerNorm(w, 1e-5)
        self.mlp = ClipMLP(w, c.intermediate_size)

    def forward(self, x: Tensor) -> Tensor:
        """x [B·N, P, D]."""
        bt, p, w = x.shape
        slots = x.view(-1, self.frames, p, w).transpose(1, 2).reshape(-1, self.frames, w)
        slots = slots + self.temporal_embedding
        slots = slots + self.temporal_attn(self.temporal_layer_norm1(slots))
        x = slots.view(-1, p, self.frames, w).transpose(1, 2).reshape(bt, p, w)
        x = x + self.self_attn(self.layer_norm1(x))
        return x + self.mlp(self.layer_norm2(x))


class Embeddings(nn.Module):
    def __init__(self, c: VisionConfig):
        super().__init__()
        self.class_embedding = nn.Parameter(torch.randn(c.hidden_size) * 0.02)
        self.patch_embedding = nn.Conv2d(3, c.hidden_size, c.patch_size, c.patch_size, bias=False)
        self.position_embedding = nn.Embedding(c.tokens, c.hidden_size)

    def forward(self, pixels: Tensor) -> Tensor:
        w, size = self.patch_embedding.weight, self.patch_embedding.kernel_size[0]
        b, _, h, _ = pixels.shape
        g = h // size
        # the convolution as one matrix product: much faster on a CPU
        patches = pixels.view(b, 3, g, size, g, size).permute(0, 2, 4, 1, 3, 5).reshape(b, g * g, -1)
        patches = patches @ w.view(w.shape[0], -1).t()
        return torch.cat((self.class_embedding.expand(b, 1, -1), patches), 1) + self.position_embedding.weight


class Encoder(nn.Module):
    def __init__(self, c: VisionConfig):
        super().__init__()
        self.layers = nn.ModuleList(ClipLayer(c) for _ in range(c.num_hidden_layers))


class VisionModel(nn.Module):
    def __init__(self, c: VisionConfig):
        super().__init__()
        self.embeddings, self.encoder = Embeddings(c), Encoder(c)
        self.pre_layrnorm = nn.LayerNorm(c.hidden_size, 1e-5)


class VideoTower(nn.Module):
    def __init__(self, c: VisionConfig):
        super().__init__()
        self.vision_model = VisionModel(c)

    def forward(self, pixels: Tensor) -> Tensor:
        """Features [B·N, P, D] of normalised pixels [B·N, 3, S, S]: the last layer, class token kept."""
        x = self.vision_model.pre_layrnorm(self.vision_model.embeddings(pixels))
        for layer in self.vision_model.encoder.layers:
            x = layer(x)
        return x


class Projector(nn.Module):
    def __init__(self, vision: int, text: int):
        super().__init__()
        self.linear_1, self.linear_2 = nn.Linear(vision, text), nn.Linear(text, text)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear_2(F.gelu(self.linear_1(x)))


class VideoLlava(nn.Module):
    def __init__(self, vision: VisionConfig, text: TextConfig):
        super().__init__()
        self.vision_config, self.text_config = vision, text
        self.video_tower = VideoTower(vision)
        self.multi_modal_projector = Projector(vision.hidden_size, text.hidden_size)
        self.language_model = LanguageModel(text)

    def visual_tokens(self, pixels: Tensor) -> Tensor:
        """[B, N·P, D] of clips [B, N, 3, S, S]."""
        b, n = pixels.shape[:2]
        return self.multi_modal_projector(self.video_tower(pixels.flatten(0, 1))).view(b, n * self.vision_config.tokens, -1)
