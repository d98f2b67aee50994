package upkeep_test

import (
	"testing"

	"rowcall/schema/schematest"
)

func TestMain(m *testing.M) { schematest.Main(m) }
