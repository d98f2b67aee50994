// Package rowcalltest runs the program for tests, as its users meet it: in a process of its own, on a
// real PostgreSQL, over HTTP, WebSocket and a browser.
//
// StartServer gives a test a Server: a node and a database with the sample rows. HTTPUser, Tab and
// SocketClient are the clients of that server. Start runs any command of the program.
//
// A package whose tests use it calls Main in its TestMain.
package rowcalltest
