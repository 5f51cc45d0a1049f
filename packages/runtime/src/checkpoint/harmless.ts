const words = (text: string): string[] => text.trim().split(/\s+/)

/**
 * Fields that every published config may carry and that do not change what is computed here: names, training
 * settings, defaults of text generation, which is configured by `generation_config.json` and by the caller.
 */
const COMMON = words(`
  architectures auto_map dtype id2label label2id model_type num_labels problem_type torch_dtype torchscript
  transformers_version task_specific_params tokenizer_class prefix initializer_factor initializer_range ignore_index
  finetuning_task pruned_heads use_cache return_dict output_attentions output_hidden_states use_bfloat16
  tf_legacy_loss attention_dropout dropout hidden_dropout gradient_checkpointing chunk_size_feed_forward
  bad_words_ids begin_suppress_tokens suppress_tokens decoder_start_token_id sep_token_id bos_token_id eos_token_id
  pad_token_id forced_bos_token_id forced_eos_token_id diversity_penalty do_sample early_stopping
  encoder_no_repeat_ngram_size length_penalty max_length min_length no_repeat_ngram_size num_beam_groups num_beams
  num_return_sequences exponential_decay_length_penalty output_scores remove_invalid_values repetition_penalty
  return_dict_in_generate temperature top_k top_p typical_p attn_implementation
`)

/** Beside what is read of a text model: the tensor-parallel slicing of Llama's training does not change sums. */
export const HARMLESS_TEXT: ReadonlySet<string> = new Set([...COMMON, 'pretraining_tp'])

/** Beside what is read of a tower: CLIP's own projection, LanguageBind's training, file-reading and audio settings. */
export const HARMLESS_VISION: ReadonlySet<string> = new Set([
  ...COMMON,
  ...words('tie_word_embeddings projection_dim logit_scale_init_value vocab_size force_patch_dropout'),
  ...words('lora_alpha lora_dropout lora_r video_decode_backend clip_type num_mel_bins target_length'),
])

/** Beside what is read at the top of a `video_llava` config: lengths that only batching code uses, images. */
export const HARMLESS_VIDEO_LLAVA: ReadonlySet<string> = new Set([
  ...COMMON,
  ...words('image_seq_length video_seq_length image_token_index image_token_id vocab_size'),
  'vision_feature_select_strategy',
])

/**
 * Beside what is read at the top of a `llava_next` config: the resolutions of still images, which are read beside the
 * processor's, and which PPLLaVA does not cut; where the guide's weights once came from; sizes that the parts' own configs have.
 */
export const HARMLESS_PPLLAVA: ReadonlySet<string> = new Set([
  ...COMMON,
  ...words('image_seq_length image_grid_pinpoints use_image_newline_parameter vocab_size hidden_size'),
  'clip_post_pretrain',
])

/** Beside what is read at the top of a `llava_next_video` config: images, lengths that only batching code uses. */
export const HARMLESS_NEXT_VIDEO: ReadonlySet<string> = new Set([
  ...COMMON,
  ...words('image_seq_length video_seq_length image_grid_pinpoints image_token_index image_token_id'),
  ...words('use_image_newline_parameter vocab_size hidden_size spatial_pool_out_channels'),
])

/** Beside what is read at the top of a `llava_onevision` config: images and how they are cut into crops. */
export const HARMLESS_ONEVISION: ReadonlySet<string> = new Set([
  ...COMMON,
  ...words(
    'image_grid_pinpoints image_token_index image_token_id use_image_newline_parameter vision_aspect_ratio',
  ),
  ...words('vocab_size hidden_size image_seq_length video_seq_length'),
])

/** Beside what is read of a Qwen2 config: sizes of a sliding window that is off. */
export const HARMLESS_QWEN2: ReadonlySet<string> = new Set([
  ...COMMON,
  ...words('sliding_window max_window_layers'),
])

/** Beside what is read of a SigLIP tower: its pooling head, which no hidden state passes through. */
export const HARMLESS_SIGLIP: ReadonlySet<string> = new Set([
  ...COMMON,
  ...words('tie_word_embeddings projection_dim vocab_size vision_use_head'),
])

/** Beside what is read of a CLIP text config. */
export const HARMLESS_CLIP_TEXT: ReadonlySet<string> = new Set([...COMMON, 'projection_dim'])

/**
 * Beside what is read at the top of the original Video-LLaVA's config: training settings, how images (not videos) are
 * padded and cut, tokens that the tokenizer was given and no prompt has, the kinds of input (`X`). The towers' weights
 * are in the checkpoint.
 */
export const HARMLESS_ORIGINAL: ReadonlySet<string> = new Set(
  words(`
    X freeze_mm_mlp_adapter tune_mm_mlp_adapter use_mm_proj image_aspect_ratio image_grid_pinpoints
    tokenizer_padding_side tokenizer_model_max_length mm_image_tower mm_vision_tower mm_projector_lr
    mm_use_im_patch_token mm_use_vid_patch_token mm_use_vid_start_end mm_vision_select_feature
  `),
)
