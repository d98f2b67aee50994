import { useTopic } from 'rowcall/react';

// Ears hear of whatever happens on any of some topics.
export function Ears({ topics, hear }: { topics: string[]; hear: () => void }) {
  return topics.map((topic) => <Ear key={topic} topic={topic} hear={hear} />);
}

function Ear({ topic, hear }: { topic: string; hear: () => void }) {
  useTopic(topic, hear, { onReset: hear });
  return null;
}
