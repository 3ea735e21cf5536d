/** A promise that was broken. */
export interface Finding {
  promise:
    | 'nothing_lost'
    | 'one_outcome'
    | 'not_twice'
    | 'one_key'
    | 'true_outcome'
    | 'compensation'
    | 'order'
    | 'timeline'
    | 'cancel'
    | 'approval'
    | 'wake_up'
    | 'in_time'
    | 'calm'
    | 'one_session'
    | 'conversation'
    | 'messages'
    | 'log_is_the_truth'
    | 'left_behind'
    | 'finished'
    | 'dead_letter';
  what: string;
}
