type Json = Readonly<Record<string, unknown>>

/** A published checkpoint, as far as its sizes go. */
export interface PublishedShape {
  /** Where it is published, on Hugging Face. */
  readonly id: string
  /** Where in the repository it lies, if not at its top: then `pull` does not find it. */
  readonly subfolder?: string
  /** Bytes of its weight files, rounded; what `pull` downloads is a little more. */
  readonly downloadBytes: number
  /** Fields of its JSON files that say sizes; absent ones are the library's defaults, as in the files themselves. */
  readonly files: Readonly<Record<string, Json>>
  /** Shapes of tensors that say what no config does. */
  readonly tensors?: Readonly<Record<string, readonly number[]>>
}

const CLIP_LARGE = {
  model_type: 'clip_vision_model',
  hidden_size: 1024,
  intermediate_size: 4096,
  num_attention_heads: 16,
  num_hidden_layers: 24,
  patch_size: 14,
}
const LLAMA_7B = {
  hidden_size: 4096,
  intermediate_size: 11_008,
  num_attention_heads: 32,
  num_hidden_layers: 32,
}
const SIGLIP = {
  model_type: 'siglip_vision_model',
  hidden_size: 1152,
  image_size: 384,
  intermediate_size: 4304,
  num_attention_heads: 16,
  num_hidden_layers: 26,
  patch_size: 14,
  vision_use_head: false,
}
const pictures = (size: number): Json => ({
  size: { shortest_edge: size },
  crop_size: { height: size, width: size },
})
const onevision = (tied: boolean, text: Json): Readonly<Record<string, Json>> => ({
  'config.json': {
    model_type: 'llava_onevision',
    vision_config: SIGLIP,
    text_config: {
      model_type: 'qwen2',
      max_position_embeddings: 32_768,
      rms_norm_eps: 1e-6,
      rope_theta: 1_000_000,
      tie_word_embeddings: tied,
      ...text,
    },
    tie_word_embeddings: tied,
    video_token_index: 151_647,
    vision_feature_layer: -1,
    vision_feature_select_strategy: 'full',
  },
  'preprocessor_config.json': {
    image_processor_type: 'SiglipImageProcessor',
    size: { height: 384, width: 384 },
  },
})

/** Checkpoints of the known families that can be pulled, smallest first. Data: nothing here is looked up at run time. */
export const PUBLISHED: readonly PublishedShape[] = [
  {
    id: 'llava-hf/llava-onevision-qwen2-0.5b-ov-hf',
    downloadBytes: 1.79e9,
    files: onevision(true, {
      hidden_size: 896,
      intermediate_size: 4864,
      num_attention_heads: 14,
      num_hidden_layers: 24,
      num_key_value_heads: 2,
      vocab_size: 152_000,
    }),
  },
  {
    id: 'LanguageBind/Video-LLaVA-7B-hf',
    downloadBytes: 14.7e9,
    files: {
      'config.json': {
        model_type: 'video_llava',
        vision_config: { ...CLIP_LARGE, image_size: 224 },
        text_config: { model_type: 'llama', ...LLAMA_7B, max_position_embeddings: 4096, vocab_size: 32_064 },
        image_token_index: 32_000,
        video_token_index: 32_001,
      },
      'preprocessor_config.json': pictures(224),
    },
  },
  {
    id: 'LanguageBind/Video-LLaVA-7B',
    downloadBytes: 15.1e9,
    files: {
      'config.json': {
        architectures: ['LlavaLlamaForCausalLM'],
        model_type: 'llava',
        ...LLAMA_7B,
        max_position_embeddings: 4096,
        vocab_size: 32_000,
        mm_video_tower: 'LanguageBind/LanguageBind_Video_merge',
        mm_hidden_size: 1024,
      },
      'video_tower/config.json': {
        vision_config: {
          ...CLIP_LARGE,
          image_size: 224,
          hidden_act: 'gelu',
          add_time_attn: true,
          num_frames: 8,
        },
      },
    },
  },
  {
    id: 'farewellthree/ppllava_weight',
    subfolder: 'ppllava_vicuna7b_image_video',
    downloadBytes: 14.4e9,
    files: {
      'config.json': {
        model_type: 'llava_next',
        vision_config: { ...CLIP_LARGE, image_size: 336 },
        text_config: { model_type: 'llama', ...LLAMA_7B, max_position_embeddings: 4096, vocab_size: 32_064 },
        image_token_index: 32_000,
        pooling: 'ppllava',
      },
      'preprocessor_config.json': pictures(336),
      'clip/config.json': {
        model_type: 'clip',
        projection_dim: 768,
        text_config: {
          hidden_size: 768,
          intermediate_size: 3072,
          num_attention_heads: 12,
          num_hidden_layers: 12,
        },
      },
    },
    tensors: {
      'multi_modal_projector.clip_visual_projection.weight': [768, 1024],
      'multi_modal_projector.clip_text_model.embeddings.position_embedding': [248, 768],
    },
  },
  {
    id: 'llava-hf/llava-v1.6-vicuna-7b-hf',
    downloadBytes: 14.1e9,
    files: {
      'config.json': {
        model_type: 'llava_next',
        vision_config: { ...CLIP_LARGE, image_size: 336 },
        text_config: { model_type: 'llama', ...LLAMA_7B, max_position_embeddings: 4096, vocab_size: 32_064 },
        image_token_index: 32_000,
      },
      'preprocessor_config.json': pictures(336),
    },
  },
  {
    id: 'llava-hf/llava-onevision-qwen2-7b-ov-hf',
    downloadBytes: 16.1e9,
    files: onevision(false, {
      hidden_size: 3584,
      intermediate_size: 18_944,
      num_attention_heads: 28,
      num_hidden_layers: 28,
      num_key_value_heads: 4,
      vocab_size: 152_128,
    }),
  },
]
