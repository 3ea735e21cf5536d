/*
 * Every name that a dashboard, an alert or a trace query may hold on to: metrics, their labels, spans, their attributes.
 * docs/operations.md says what they mean.
 */

export const METRICS = {
  info: 'dormouse_info',
  consumer: {
    up: 'dormouse_consumer_up',
    lag: 'dormouse_consumer_lag_records',
    partitions: 'dormouse_consumer_partitions',
    paused: 'dormouse_consumer_paused_partitions',
    inFlight: 'dormouse_consumer_records_in_flight',
    queued: 'dormouse_consumer_records_queued',
    waiting: 'dormouse_consumer_records_waiting',
    finished: 'dormouse_consumer_records_finished_total',
    skipped: 'dormouse_consumer_records_skipped_total',
    redelivered: 'dormouse_consumer_redeliveries_total',
    unhandled: 'dormouse_consumer_records_unhandled_total',
    deadLetters: 'dormouse_dead_letters_total',
    commits: 'dormouse_consumer_commits_total',
    commitsFenced: 'dormouse_consumer_commits_fenced_total',
    commitsFailed: 'dormouse_consumer_commits_failed_total',
    lastProgress: 'dormouse_consumer_last_progress_timestamp_seconds',
  },
  session: {
    entered: 'dormouse_sessions_entered_total',
    left: 'dormouse_sessions_left_total',
    repeated: 'dormouse_submissions_repeated_total',
    thinking: 'dormouse_sessions_thinking',
    duration: 'dormouse_session_duration_seconds',
  },
  step: {
    committed: 'dormouse_steps_total',
    conflicts: 'dormouse_step_conflicts_total',
    ignored: 'dormouse_observations_ignored_total',
    duration: 'dormouse_step_duration_seconds',
    think: 'dormouse_think_duration_seconds',
    tokens: 'dormouse_llm_tokens_total',
    failedRequests: 'dormouse_llm_requests_failed_total',
  },
  tool: {
    waitingForSlots: 'dormouse_intents_waiting_for_slot',
    inFlight: 'dormouse_intents_in_flight',
    duration: 'dormouse_tool_duration_seconds',
    outcomes: 'dormouse_tool_outcomes_total',
    retries: 'dormouse_tool_retries_total',
    skipped: 'dormouse_intents_skipped_total',
    handedOver: 'dormouse_intents_handed_over_total',
    conflicts: 'dormouse_intent_conflicts_total',
    claimsLost: 'dormouse_claims_lost_total',
    claimsTakenOver: 'dormouse_claims_taken_over_total',
  },
  sweeper: {
    swept: 'dormouse_wakeups_due_total',
    published: 'dormouse_wakeups_published_total',
    lateness: 'dormouse_wakeup_lateness_seconds',
  },
  audit: {
    repaired: 'dormouse_wakeups_repaired_total',
    sessions: 'dormouse_audit_sessions',
    lastPass: 'dormouse_audit_last_pass_timestamp_seconds',
  },
  store: {
    clockSkew: 'dormouse_store_clock_skew_seconds',
  },
  journal: {
    batches: 'dormouse_journal_batches_total',
    bytes: 'dormouse_journal_bytes_total',
    flushes: 'dormouse_journal_flushes_total',
  },
  tracing: {
    recorded: 'dormouse_spans_recorded_total',
    exported: 'dormouse_spans_exported_total',
    failed: 'dormouse_spans_failed_total',
  },
} as const;

export const LABELS = {
  topic: 'topic',
  group: 'group',
  status: 'status',
  reason: 'reason',
  fault: 'fault',
  brain: 'brain',
  tool: 'tool',
  direction: 'direction',
  version: 'version',
  instance: 'instance',
  role: 'role',
} as const;

/** Names of spans. A run's name ends with the tool's, which the catalogue bounds. */
export const SPANS = {
  submit: 'request submit',
  cancel: 'request cancel',
  answer: 'request answer',
  message: 'request message',
  step: 'step',
  think: 'think',
  commit: 'commit',
  publish: 'publish',
  run: (tool: string): string => `run ${tool}`,
} as const;

export const ATTRIBUTES = {
  sessionId: 'dormouse.session.id',
  tenant: 'dormouse.tenant',
  status: 'dormouse.session.status',
  brain: 'dormouse.brain',
  step: 'dormouse.step',
  version: 'dormouse.version',
  observation: 'dormouse.observation.id',
  repeated: 'dormouse.submission.repeated',
  intentId: 'dormouse.intent.id',
  tool: 'dormouse.tool',
  effect: 'dormouse.effect',
  attempt: 'dormouse.attempt',
  verdict: 'dormouse.verdict',
  error: 'dormouse.error.code',
  topic: 'messaging.destination.name',
  eventId: 'messaging.message.id',
  roles: 'dormouse.roles',
} as const;
