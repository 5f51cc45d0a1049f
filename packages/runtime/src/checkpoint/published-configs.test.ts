import type { TensorSource } from '@longtake/kernels'
import { describe, expect, test } from 'vitest'
import type { CheckpointJson, Family, FamilyParts } from './families/family.js'
import { llavaNext } from './families/llava-next.js'
import { llavaNextVideo } from './families/llava-next-video.js'
import { llavaOnevision } from './families/llava-onevision.js'
import { videoLlava } from './families/video-llava.js'
import { videoLlavaOriginal } from './families/video-llava-original.js'

type Json = Record<string, unknown>

const NO_TENSORS: TensorSource = {
  names: () => [],
  has: () => false,
  info: () => {
    throw new Error('No tensor is needed to read a config.')
  },
  readRaw: () => Promise.reject(new Error('No tensor is read with a config.')),
  readRows: () => Promise.reject(new Error('No tensor is read with a config.')),
  read: () => Promise.reject(new Error('No tensor is read with a config.')),
}

/** Reads what a published folder says, as loading does before it looks at tensors. */
function read(
  family: Family,
  config: Json,
  files: Partial<CheckpointJson> = {},
  guided = false,
): FamilyParts {
  expect(family.matches(config)).toBe(true)
  const none = { preprocessor: undefined, videoPreprocessor: undefined, generation: undefined }
  const json = { ...none, videoTower: undefined, longtake: undefined, ...files, config }
  return family.read(json, guided, NO_TENSORS)
}

const VICUNA = {
  ...{ _name_or_path: 'lmsys/vicuna-7b-v1.5', architectures: ['LlamaForCausalLM'], model_type: 'llama' },
  ...{ max_position_embeddings: 4096, pad_token_id: 0, rms_norm_eps: 1e-5, torch_dtype: 'float16' },
  vocab_size: 32_064,
}
const CLIP_LARGE = {
  ...{ model_type: 'clip_vision_model', hidden_size: 1024, intermediate_size: 4096, num_attention_heads: 16 },
  ...{ num_hidden_layers: 24, patch_size: 14, projection_dim: 768, vocab_size: 32_000 },
}
const LLAVA_PINPOINTS = [
  [336, 672],
  [672, 336],
  [672, 672],
  [1008, 336],
  [336, 1008],
]
/** What the library writes of every config when it leaves nothing out. */
const WHOLE = {
  ...{ add_cross_attention: false, bad_words_ids: null, begin_suppress_tokens: null, bos_token_id: 1 },
  ...{ chunk_size_feed_forward: 0, cross_attention_hidden_size: null, decoder_start_token_id: null },
  ...{ diversity_penalty: 0, do_sample: false, early_stopping: false, encoder_no_repeat_ngram_size: 0 },
  ...{ eos_token_id: 2, exponential_decay_length_penalty: null, finetuning_task: null },
  ...{ forced_bos_token_id: null, forced_eos_token_id: null, id2label: { 0: 'LABEL_0', 1: 'LABEL_1' } },
  ...{ initializer_range: 0.02, is_decoder: false, is_encoder_decoder: false, length_penalty: 1 },
  ...{ label2id: { LABEL_0: 0, LABEL_1: 1 }, max_length: 20, min_length: 0, no_repeat_ngram_size: 0 },
  ...{ num_beam_groups: 1, num_beams: 1, num_return_sequences: 1, output_attentions: false },
  ...{ output_hidden_states: false, output_scores: false, prefix: null, problem_type: null },
  ...{ pruned_heads: {}, remove_invalid_values: false, repetition_penalty: 1, return_dict: true },
  ...{ return_dict_in_generate: false, sep_token_id: null, suppress_tokens: null, temperature: 1 },
  ...{ task_specific_params: null, tf_legacy_loss: false, tie_encoder_decoder: false, tokenizer_class: null },
  ...{ top_k: 50, top_p: 1, torchscript: false, transformers_version: '4.29.1', typical_p: 1 },
  ...{ use_bfloat16: false, _attn_implementation_autoset: true, attn_implementation: null, use_cache: true },
}

const LLAMA_7B = {
  ...{ hiddenSize: 4096, layers: 32, heads: 32, kvHeads: 32, headDim: 128, intermediateSize: 11_008 },
  ...{ rmsNormEpsilon: 1e-5, tiedHead: false, qkvBias: false },
}

describe('configs as they are published', () => {
  const videoLlavaHf = {
    ...{
      architectures: ['VideoLlavaForConditionalGeneration'],
      ignore_index: -100,
      image_token_index: 32_000,
    },
    ...{ model_type: 'video_llava', pad_token_id: 32_002, projector_hidden_act: 'gelu', text_config: VICUNA },
    ...{ torch_dtype: 'bfloat16', transformers_version: '4.41.0.dev0', video_token_index: 32_001 },
    ...{ vision_config: CLIP_LARGE, vision_feature_layer: -2, vision_feature_select_strategy: 'default' },
    vocab_size: 32_064,
  }

  test('LanguageBind/Video-LLaVA-7B-hf', () => {
    const { spec, decoder, vision, placeholderId } = read(videoLlava, videoLlavaHf)
    expect(decoder).toMatchObject({ ...LLAMA_7B, vocabularySize: 32_064 })
    expect(spec.encoder).toMatchObject({ framesPerClip: 1, imageSize: 224, tokensPerFrame: 257 })
    expect(vision).toMatchObject({ activation: 'quick_gelu', layerNormEpsilon: 1e-5, featureLayer: -2 })
    expect(spec.rope).toEqual({ theta: 10_000, scaling: { type: 'none' } })
    expect(spec.context.nominalLength).toBe(4096)
    expect(placeholderId).toBe(32_001)
  })

  test('the same, saved again by a newer library', () => {
    const { torch_dtype: dtype, image_token_index: image, video_token_index: video, ...rest } = videoLlavaHf
    const text = {
      ...WHOLE,
      ...{ ...VICUNA, dtype: 'float16', attention_bias: false, attention_dropout: 0, head_dim: 128 },
      ...{ hidden_act: 'silu', hidden_size: 4096, intermediate_size: 11_008, mlp_bias: false },
      ...{ num_attention_heads: 32, num_hidden_layers: 32, num_key_value_heads: 32, pretraining_tp: 1 },
      rope_parameters: { rope_theta: 10_000, rope_type: 'default' },
    }
    const vision = {
      ...WHOLE,
      ...{ ...CLIP_LARGE, attention_dropout: 0, hidden_act: 'quick_gelu', image_size: 224 },
      ...{ initializer_factor: 1, layer_norm_eps: 1e-5, num_channels: 3 },
    }
    const newer = {
      ...{ ...rest, dtype, image_token_id: image, video_token_id: video, image_seq_length: 256 },
      ...{ multimodal_projector_bias: true, tie_word_embeddings: false, video_seq_length: 2056 },
      ...{ text_config: text, vision_config: vision, transformers_version: '5.0.0' },
    }
    const { names: _, inventory: __, ...again } = read(videoLlava, newer)
    expect(again).toEqual(expect.objectContaining({ spec: read(videoLlava, videoLlavaHf).spec }))
    expect(again.vision).toEqual(read(videoLlava, videoLlavaHf).vision)
  })

  const original = {
    ...{ _name_or_path: 'lmsys/vicuna-7b-v1.5', architectures: ['LlavaLlamaForCausalLM'], bos_token_id: 1 },
    ...{ eos_token_id: 2, freeze_mm_mlp_adapter: false, hidden_act: 'silu', hidden_size: 4096 },
    ...{ image_aspect_ratio: 'pad', image_grid_pinpoints: null, initializer_range: 0.02 },
    ...{ intermediate_size: 11_008, max_position_embeddings: 4096, mm_hidden_size: 1024 },
    ...{ mm_image_tower: 'LanguageBind/LanguageBind_Image', mm_projector_type: 'mlp2x_gelu' },
    ...{ mm_video_tower: 'LanguageBind/LanguageBind_Video_merge', mm_vision_select_feature: 'patch' },
    ...{ mm_vision_select_layer: -2, model_type: 'llava', num_attention_heads: 32, num_hidden_layers: 32 },
    ...{ num_key_value_heads: 32, pad_token_id: 0, pretraining_tp: 1, rms_norm_eps: 1e-5 },
    ...{ rope_scaling: null, tie_word_embeddings: false, torch_dtype: 'bfloat16' },
    ...{ transformers_version: '4.31.0', tune_mm_mlp_adapter: false, use_cache: true, use_mm_proj: true },
    vocab_size: 32_000,
  }
  const merged = {
    ...{ _commit_hash: null, architectures: ['CLIPModel'], initializer_factor: 1, projection_dim: 768 },
    ...{ logit_scale_init_value: 2.6592, model_type: 'LanguageBindVideo', torch_dtype: 'float32' },
    text_config: { ...WHOLE, model_type: 'clip_text_model', add_time_attn: false },
    vision_config: {
      ...{ ...WHOLE, ...CLIP_LARGE, lora_r: 0, lora_alpha: 16, lora_dropout: 0.1, add_time_attn: true },
      ...{ num_frames: 8, num_mel_bins: 0, target_length: 0, attention_dropout: 0, dropout: 0 },
      ...{ force_patch_dropout: 0.3, hidden_act: 'gelu', image_size: 224, layer_norm_eps: 1e-5 },
      ...{ num_channels: 3, video_decode_backend: 'decord', clip_type: 'vl_new', torch_dtype: null },
    },
  }

  test.each([
    ['as it is', { mm_use_im_patch_token: false, mm_use_im_start_end: false }],
    ['as it first was', { X: ['Video', 'Image'], mm_use_x_patch_token: false, mm_use_x_start_end: false }],
    ['as others train it', { model_type: 'llava_llama', attention_bias: false, attention_dropout: 0 }],
  ])('LanguageBind/Video-LLaVA-7B %s, and its video tower', (_, fields) => {
    const parts = read(videoLlavaOriginal, { ...original, ...fields }, { videoTower: merged })
    expect(parts.decoder).toMatchObject({ ...LLAMA_7B, vocabularySize: 32_000 })
    expect(parts.vision).toMatchObject({ temporalFrames: 8, activation: 'gelu', layers: 24, heads: 16 })
    expect(parts.spec.encoder).toMatchObject({ framesPerClip: 8, tokensPerFrame: 257 })
  })

  const next = {
    ...{ architectures: ['LlavaNextForConditionalGeneration'], ignore_index: -100 },
    ...{ image_grid_pinpoints: LLAVA_PINPOINTS, image_token_index: 32_000, model_type: 'llava_next' },
    ...{ projector_hidden_act: 'gelu', text_config: VICUNA, torch_dtype: 'float16' },
    ...{ transformers_version: '4.39.0.dev0', use_image_newline_parameter: true, vision_feature_layer: -2 },
    ...{ vision_config: { ...CLIP_LARGE, image_size: 336 }, vision_feature_select_strategy: 'default' },
    vocab_size: 32_064,
  }
  const crops = { image_processor_type: 'LlavaNextImageProcessor', do_center_crop: true, do_pad: true }
  const preprocessor = {
    ...{ ...crops, size: { shortest_edge: 336 }, crop_size: { height: 336, width: 336 } },
    ...{ aspect_ratio_setting: 'anyres', image_grid_pinpoints: LLAVA_PINPOINTS },
  }

  test('llava-hf/llava-v1.6-vicuna-7b-hf', () => {
    const { decoder, spec, placeholderId } = read(llavaNext, next, { preprocessor })
    expect(decoder).toMatchObject({ ...LLAMA_7B, vocabularySize: 32_064 })
    expect(spec.encoder).toMatchObject({ imageSize: 336, tokensPerFrame: 576, classToken: false })
    expect(placeholderId).toBe(32_000)
  })

  const nextVideo = {
    ...{ ...next, architectures: ['LlavaNextVideoForConditionalGeneration'], image_token_index: 32_001 },
    ...{ model_type: 'llava_next_video', spatial_pool_mode: 'average', spatial_pool_stride: 2 },
    ...{ tie_word_embeddings: false, torch_dtype: 'bfloat16', transformers_version: '4.42.0.dev0' },
    ...{ video_token_index: 32_000, image_seq_length: 576, video_seq_length: 288, hidden_size: 4096 },
  }
  const scaled = { ...VICUNA, rope_scaling: { factor: 2.5, rope_type: 'linear', type: 'linear' } }

  test.each([
    ['as it is', { text_config: scaled }, { type: 'linear', factor: 2.5 }],
    ['as it first was', { model_type: 'llava_next', spatial_pool_out_channels: 1024 }, { type: 'none' }],
  ])('llava-hf/LLaVA-NeXT-Video-7B-hf %s', (_, fields, scaling) => {
    const videoPreprocessor = {
      ...{ video_processor_type: 'LlavaNextVideoVideoProcessor', size: { shortest_edge: 336 } },
      ...{ crop_size: { height: 336, width: 336 }, do_center_crop: true, resample: 3 },
    }
    const parts = read(llavaNextVideo, { ...nextVideo, ...fields }, { videoPreprocessor })
    expect(parts.decoder).toMatchObject({ ...LLAMA_7B, vocabularySize: 32_064 })
    expect(parts.vision.pool).toEqual({ mode: 'average', stride: 2 })
    expect(parts.spec.encoder).toMatchObject({ imageSize: 336, grid: [12, 12], tokensPerFrame: 144 })
    expect(parts.spec.rope.scaling).toEqual(scaling)
    expect(parts.placeholderId).toBe(32_000)
  })

  test.each([
    ['spatial_pool_mode', 'conv', 'UNSUPPORTED'],
    ['spatial_pool_stride', 25, 'INVALID'],
    ['spatial_pool_stride', 0, 'INVALID'],
    ['vision_feature_select_strategy', 'full', 'UNSUPPORTED'],
  ])('LLaVA-NeXT-Video with %s %j: refused by name', (name, value, code) => {
    const refusal = { code: `CHECKPOINT_${code}`, message: expect.stringContaining(name) }
    const config = { ...nextVideo, [name]: value }
    expect(() => read(llavaNextVideo, config, { preprocessor })).toThrow(expect.objectContaining(refusal))
    expect(() => read(llavaNextVideo, nextVideo, { preprocessor }, true)).toThrow('text guide')
  })

  test('PPLLaVA with its temporal branch', () => {
    const { vocab_size: _, ...rest } = next
    const config = {
      ...{ ...rest, architectures: ['LlavaInterleaveForConditionalGeneration'], hidden_size: 4096 },
      ...{ btadapter: true, btadapter_depth: 4, max_T: 64, frame_shape: [24, 24], pooling: 'ppllava' },
      ...{ clip_post_pretrain: null, clip_weight: 'openai/clip-vit-large-patch14-336', extend_clip: true },
      ...{ image_pooling_kernel: [1, 3, 3], image_pooling_stride: [1, 3, 3], pllava_pooling_shape: null },
      ...{ pooling_kernel: [2, 3, 3], pooling_stride: [2, 3, 3], pooling_temp: 0.01, pad_token_id: 0 },
      vision_config: { ...CLIP_LARGE, image_size: 336, depth: 4, max_T: 64 },
    }
    const { spec, vision } = read(llavaNext, config, { preprocessor }, true)
    expect(vision.btAdapter).toEqual({ depth: 4, frames: 64 })
    expect(spec.pooling).toMatchObject({ guided: true, temperature: 0.01, kernel: [2, 3, 3] })
  })

  test('llava-hf/llava-onevision-qwen2-0.5b-ov-hf', () => {
    const sides = [384, 768, 1152, 1536, 1920, 2304]
    const text = {
      ...{ _name_or_path: 'Qwen/Qwen2-0.5B-Instruct', architectures: ['Qwen2ForCausalLM'] },
      ...{ bos_token_id: 151_643, eos_token_id: 151_645, hidden_size: 896, intermediate_size: 4864 },
      ...{ max_window_layers: 24, model_type: 'qwen2', num_attention_heads: 14, num_hidden_layers: 24 },
      ...{ num_key_value_heads: 2, rope_theta: 1e6, sliding_window: null, tie_word_embeddings: true },
      ...{ torch_dtype: 'bfloat16', use_sliding_window: false, vocab_size: 152_000 },
    }
    const tower = {
      ...{ hidden_size: 1152, image_size: 384, intermediate_size: 4304, model_type: 'siglip_vision_model' },
      ...{ num_attention_heads: 16, num_hidden_layers: 26, patch_size: 14, vision_use_head: false },
    }
    const config = {
      ...{ architectures: ['LlavaOnevisionForConditionalGeneration'], ignore_index: -100 },
      ...{ image_grid_pinpoints: sides.flatMap((height) => sides.map((width) => [height, width])) },
      ...{ image_token_index: 151_646, model_type: 'llava_onevision', projector_hidden_act: 'gelu' },
      ...{ text_config: text, tie_word_embeddings: false, torch_dtype: 'float16' },
      ...{ transformers_version: '4.45.0.dev0', use_image_newline_parameter: true },
      ...{ video_token_index: 151_647, vision_aspect_ratio: 'anyres_max_9', vision_config: tower },
      ...{ vision_feature_layer: -1, vision_feature_select_strategy: 'full' },
    }
    const videoPreprocessor = {
      ...{ video_processor_type: 'LlavaOnevisionVideoProcessor', size: { height: 384, width: 384 } },
      ...{ image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5], resample: 3 },
    }
    const { decoder, spec, vision, placeholderId } = read(llavaOnevision, config, { videoPreprocessor })
    expect(decoder).toMatchObject({ kvHeads: 2, headDim: 64, tiedHead: true, qkvBias: true })
    expect(decoder).toMatchObject({ rmsNormEpsilon: 1e-6, vocabularySize: 152_000 })
    expect(spec.encoder).toMatchObject({ grid: [14, 14], tokensPerFrame: 196, trailingTokens: 1 })
    expect(vision).toMatchObject({ activation: 'gelu_pytorch_tanh', layerNormEpsilon: 1e-6, layers: 26 })
    expect(placeholderId).toBe(151_647)
  })

  test('Qwen2 with 64 heads leaves its 32 key/value heads unsaid, and null means as many as heads', () => {
    const text = { model_type: 'qwen2', num_attention_heads: 64, hidden_size: 4096, vocab_size: 151_936 }
    const config = {
      ...{ model_type: 'llava_onevision', video_token_index: 7 },
      vision_config: { hidden_size: 1152, num_attention_heads: 16, patch_size: 14, image_size: 384 },
    }
    const files = { preprocessor: { ...crops, do_center_crop: false, size: { height: 384, width: 384 } } }
    const kvHeads = (fields: Json): number =>
      read(llavaOnevision, { ...config, text_config: { ...text, ...fields } }, files).decoder.kvHeads
    expect(kvHeads({})).toBe(32)
    expect(kvHeads({ num_key_value_heads: null })).toBe(64)
    expect(kvHeads({ num_attention_heads: 16 })).toBe(16)
  })

  test.each<[string, Family, Json, string]>([
    ['weights quantised by others', videoLlava, { quantization_config: { bits: 4 } }, 'quantization_config'],
    ['several layers of the tower', videoLlava, { vision_feature_layer: [-2, -1] }, 'vision_feature_layer'],
    [
      'a projector without biases',
      llavaNext,
      { multimodal_projector_bias: false },
      'multimodal_projector_bias',
    ],
    ['a sliding window', videoLlava, { text_config: { ...VICUNA, sliding_window: 4096 } }, 'sliding_window'],
    ['another text model', videoLlava, { text_config: { model_type: 'mistral' } }, 'model_type'],
    ['other multipliers', videoLlava, { text_config: { ...VICUNA, logits_scaling: 2 } }, 'logits_scaling'],
    [
      'partly rotated heads',
      llavaNext,
      { text_config: { partial_rotary_factor: 0.5 } },
      'partial_rotary_factor',
    ],
    ['a field of next year', llavaNext, { frobnicate: 3 }, 'frobnicate'],
  ])('%s: refused by name', (_, family, fields, name) => {
    const config = { ...(family === videoLlava ? videoLlavaHf : next), ...fields }
    const refusal = { code: 'CHECKPOINT_UNSUPPORTED', message: expect.stringContaining(name) }
    expect(() => read(family, config, { preprocessor })).toThrow(expect.objectContaining(refusal))
  })

  test.each([
    ['use_sliding_window', true],
    ['layer_types', ['full_attention', 'sliding_attention']],
    ['hidden_act', 'gelu'],
    ['rope_scaling', { rope_type: 'longrope', factor: 2 }],
  ])('Qwen2 with %s %j: refused by name', (name, value) => {
    const config = {
      ...{ model_type: 'llava_onevision', vision_config: { model_type: 'siglip_vision_model' } },
      text_config: { model_type: 'qwen2', [name]: value },
    }
    const part = name === 'rope_scaling' ? 'rope_type' : name
    const refusal = { code: 'CHECKPOINT_UNSUPPORTED', message: expect.stringContaining(part) }
    expect(() => read(llavaOnevision, config)).toThrow(expect.objectContaining(refusal))
  })
})
