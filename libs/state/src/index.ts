export {
  type Commit,
  type CommitReply,
  type CreateReply,
  type Creation,
  type ListPage,
  type ListQuery,
  type PendingReply,
  SessionStore,
  type StateCapabilities,
  type TimelinePageQuery,
  type Wake,
} from './port.js';
