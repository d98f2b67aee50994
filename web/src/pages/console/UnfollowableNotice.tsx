import { Notice } from '../../ui/Notice.tsx';
import type { Unfollowable } from './console.ts';

// UnfollowableNotice warns of events that were filed under topics that nobody can follow.
export function UnfollowableNotice({ of }: { of: Unfollowable | undefined }) {
  if (!of?.events) return null;
  return (
    <Notice tone="warn">
      {of.events.toLocaleString()} {of.events === 1 ? 'event was' : 'events were'} filed under topics that nobody can follow. The last of these topics: {of.topics.join(', ')}
    </Notice>
  );
}
