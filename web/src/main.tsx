import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Live } from './data/client.tsx';
import { UserProvider } from './data/user.tsx';
import { App } from './shell/App.tsx';
import { Broken } from './shell/Broken.tsx';
import { trustNothing } from './shell/trusted.ts';
import { Toasts } from './ui/Toast.tsx';
import './ui/tokens.css';

trustNothing();

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <Broken>
      <UserProvider>
        <Live>
          <Toasts>
            <App />
          </Toasts>
        </Live>
      </UserProvider>
    </Broken>
  </StrictMode>,
);
