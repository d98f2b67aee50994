package api

import "context"

// auth puts a newer token in place of the one the socket was opened with. Nothing is said where it
// is accepted; where it is not, the one before it still counts, and the socket ends with that.
func (n *native) auth(ctx context.Context, token string) error {
	if err := n.session.renew(ctx, token); err != nil {
		return n.refuse("", err)
	}
	return nil
}

// renew lets the session last as long as another token of the same user.
func (s *session) renew(ctx context.Context, token string) error {
	ctx, cancel := context.WithTimeout(ctx, handshakeWait)
	defer cancel()
	until, err := s.accounts.Renew(ctx, s.identity, token)
	if err != nil {
		return err
	}
	s.watched.renew(until)
	return nil
}
