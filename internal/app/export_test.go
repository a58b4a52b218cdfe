package app

import (
	"amicale/internal/accounts"
	"amicale/internal/people"
)

// What the tests of the whole reach for, and no page does.

func (a *App) Accounts() *accounts.Store    { return a.accounts }
func (a *App) Exporters() []people.Exporter { return a.exporters() }
func (a *App) Erasers() []people.Eraser     { return a.erasers() }
func (a *App) Mergers() []people.Merger     { return a.mergers() }
