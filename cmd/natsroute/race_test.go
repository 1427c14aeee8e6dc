//go:build race

package main

// underRace tells whether the race detector is on: everything takes several times as long then.
const underRace = true
