/** `ORT_LOGGING_LEVEL_ERROR`: warnings about optimisations are of no use to callers. */
export const LOG_ERROR = 3
