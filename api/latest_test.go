package api

import (
	"testing"

	"rowcall/notifier"
)

func TestNativeSaysHowManyWereSkipped(t *testing.T) {
	st := openFakeFeedServer(t, Options{})
	b := st.dial(t, "/v1/ws")
	b.say(`{"op":"subscribe","topic":"room/5"}`)
	b.expect(welcome, `{"op":"subscribed","topic":"room/5","cursor":"here"}`)
	(<-st.feed.opened).push(notifier.Taken{Events: []*notifier.Event{chatMessage(42)}, Skipped: 3})
	b.expect(`{"op":"event","topic":"room/5","id":"42","type":"chat_message_created","data":{"id":"42","message":"Hello world!","room_id":5,"sender_id":1},"time":"2026-11-20T12:00:00.5Z","skipped":3}`)
}
