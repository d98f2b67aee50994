import { useTopic } from 'rowcall/react';

// EventListeners calls a function for each event on any of several topics.
export function EventListeners({ topics, onEvent }: { topics: string[]; onEvent: () => void }) {
  return topics.map((topic) => <EventListener key={topic} topic={topic} onEvent={onEvent} />);
}

function EventListener({ topic, onEvent }: { topic: string; onEvent: () => void }) {
  useTopic(topic, onEvent, { onReset: onEvent });
  return null;
}
