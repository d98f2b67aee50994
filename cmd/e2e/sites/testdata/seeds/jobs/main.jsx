// The page around the component: it asks for the user's jobs and shows them.
import React from 'react';
import { createRoot } from 'react-dom/client';
import List from './list.jsx';

const answer = await fetch(`https://${window.location.host}/api/jobs?ordering=title`, { credentials: 'include' });
const { rows } = answer.ok ? await answer.json() : { rows: [] };
createRoot(document.getElementById('root')).render(<List jobs={rows} />);
