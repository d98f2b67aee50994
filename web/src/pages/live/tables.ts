import { useEffect, useState } from 'react';
import { topic as written } from 'rowcall';
import { describe, request } from '../../data/api.ts';

// TableInfo is a declared table.
export interface TableInfo {
  table: string; // schema and name
  name: string;
  live: boolean; // its changes are filed
  key: string[];
  columns: { name: string; type: string }[];
  topics: TopicInfo[];
}

export interface TopicInfo {
  topic: string; // as it is declared: orders/{customer_id}
  parameters: string[];
}

export interface Tables {
  tables: TableInfo[] | undefined; // undefined until the server has answered
  trouble: string; // why it has not
}

const RETRY = 3000; // milliseconds, while the server does not answer

// useTables asks the server for the declared tables, until it answers.
export function useTables(): Tables {
  const [state, setState] = useState<Tables>({ tables: undefined, trouble: '' });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const over = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    request<{ tables: TableInfo[] }>('GET', '/api/tables', { signal: over.signal }).then(
      ({ tables }) => setState({ tables, trouble: '' }),
      (error) => {
        if (over.signal.aborted) return;
        setState((before) => ({ ...before, trouble: describe(error) }));
        timer = setTimeout(() => setTurn((n) => n + 1), RETRY);
      },
    );
    return () => {
      over.abort();
      clearTimeout(timer);
    };
  }, [turn]);
  return state;
}

// firstTopic returns the topic that is followed first: one for all rows, if the table has one.
export const firstTopic = (table: TableInfo): TopicInfo | undefined => table.topics.find((t) => t.parameters.length === 0) ?? table.topics[0];

// topicOf returns a topic with the values of its parameters; null while one is missing.
export function topicOf({ topic, parameters }: TopicInfo, values: Record<string, string>): string | null {
  if (parameters.some((name) => !values[name])) return null;
  return topic.replace(/\{([^}]*)\}/g, (_, name: string) => written`${values[name]!}`);
}
