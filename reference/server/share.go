package server

import "fmt"

// checkShares wants shares to be complete and between accounts that there are.
func (s *settled) checkShares() error {
	for _, share := range s.Shares {
		if err := share.Validate(); err != nil {
			return fmt.Errorf("server: %w", err)
		}
		for _, name := range []string{share.From, share.To} {
			if _, there := s.Accounts[name]; !there && name != GlobalAccount {
				return fmt.Errorf("server: share from %q to %q: there is no account %q", share.From, share.To, name)
			}
		}
	}
	return nil
}
