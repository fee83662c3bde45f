// SPDX-License-Identifier: BSD-2-Clause

// calls_peer.py for Go's gRPC: the same server, and a client of the same steps.
// usage: calls_peer server SOCKET | client SOCKET SCRIPT
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

const service = "live.Calls"

// raw passes messages through as bytes: no protobuf.
type raw struct{}

func (raw) Marshal(v interface{}) ([]byte, error) { return *v.(*[]byte), nil }
func (raw) Unmarshal(b []byte, v interface{}) error {
	*v.(*[]byte) = append([]byte{}, b...)
	return nil
}
func (raw) Name() string { return "proto" }

var names = map[string]codes.Code{"NOT_FOUND": codes.NotFound,
	"PERMISSION_DENIED": codes.PermissionDenied, "INTERNAL": codes.Internal}

func upper(c codes.Code) string {
	words := map[codes.Code]string{codes.OK: "OK", codes.NotFound: "NOT_FOUND",
		codes.PermissionDenied: "PERMISSION_DENIED", codes.Internal: "INTERNAL",
		codes.Unimplemented: "UNIMPLEMENTED", codes.Canceled: "CANCELLED",
		codes.DeadlineExceeded: "DEADLINE_EXCEEDED"}
	if w, ok := words[c]; ok {
		return w
	}
	return c.String()
}

func receive(s grpc.ServerStream) ([]byte, error) {
	var b []byte
	err := s.RecvMsg(&b)
	return b, err
}

func send(s grpc.ServerStream, text string) error {
	b := []byte(text)
	return s.SendMsg(&b)
}

func handle(_ interface{}, s grpc.ServerStream) error {
	name, _ := grpc.MethodFromServerStream(s)
	switch name[strings.LastIndex(name, "/")+1:] {
	case "Unary":
		b, err := receive(s)
		if err != nil {
			return err
		}
		text := string(b)
		if strings.HasPrefix(text, "fail ") {
			return status.Error(names[text[5:]], "as you wish: 100 % " + text[5:])
		}
		if strings.HasPrefix(text, "sleep ") {
			seconds, _ := strconv.ParseFloat(text[6:], 64)
			time.Sleep(time.Duration(seconds * 1e9))
		}
		return send(s, text+text)
	case "LargeMetadata":
		if _, err := receive(s); err != nil {
			return err
		}
		s.SetHeader(metadata.Pairs("x-large", strings.Repeat("v", 12000)))
		s.SetTrailer(metadata.Pairs("x-trailing", strings.Repeat("t", 12000)))
		return send(s, "ok")
	case "ServerStream":
		b, err := receive(s)
		if err != nil {
			return err
		}
		n, _ := strconv.Atoi(string(b))
		for i := 0; i < n; i++ {
			if err := send(s, fmt.Sprintf("item %d", i)); err != nil {
				return err
			}
		}
		return nil
	case "ClientStream":
		sum := 0
		for {
			b, err := receive(s)
			if err == io.EOF {
				return send(s, strconv.Itoa(sum))
			} else if err != nil {
				return err
			}
			sum += len(b)
		}
	case "BothStreams":
		for {
			b, err := receive(s)
			if err == io.EOF {
				return nil
			} else if err != nil {
				return err
			}
			if err := send(s, string(b)); err != nil {
				return err
			}
		}
	case "SlowStream":
		if err := send(s, "first"); err != nil {
			return err
		}
		<-s.Context().Done()
		return s.Context().Err()
	}
	return status.Error(codes.Unimplemented, "unknown method")
}

func serve(sock string) {
	l, err := net.Listen("unix", sock)
	if err != nil {
		panic(err)
	}
	server := grpc.NewServer(grpc.UnknownServiceHandler(handle))
	go server.Serve(l)
	io.ReadAll(os.Stdin)
	server.Stop()
}

type step struct {
	Kind, Method string
	Request      json.RawMessage
	Times        int
	Gzip         bool
	Timeout      float64
	CancelAfter  int `json:"cancel_after"`
	Metadata     [][2]string
}

func (s step) requests() []string {
	var one string
	var many []string
	if json.Unmarshal(s.Request, &one) == nil {
		return []string{one}
	}
	json.Unmarshal(s.Request, &many)
	return many
}

func call(conn *grpc.ClientConn, s step) map[string]interface{} {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if s.Timeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, time.Duration(s.Timeout*1e9))
		defer cancel()
	}
	for _, m := range s.Metadata {
		ctx = metadata.AppendToOutgoingContext(ctx, m[0], m[1])
	}
	var options []grpc.CallOption
	if s.Gzip {
		options = append(options, grpc.UseCompressor("gzip"))
	}
	var answers []string
	start := time.Now()
	desc := &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}
	stream, err := conn.NewStream(ctx, desc, "/"+service+"/"+s.Method, options...)
	for _, r := range s.requests() {
		b := []byte(r)
		if err == nil {
			err = stream.SendMsg(&b)
		}
	}
	if err == nil {
		stream.CloseSend()
	}
	for err == nil || err == io.EOF {
		var b []byte
		if err = stream.RecvMsg(&b); err != nil {
			break
		}
		answers = append(answers, string(b))
		if s.CancelAfter == len(answers) {
			cancel()
		}
	}
	if err == io.EOF {
		err = nil
	}
	row := map[string]interface{}{"method": service + "/" + s.Method,
		"status": upper(status.Code(err)), "message": "", "answers": len(answers),
		"seconds": time.Since(start).Seconds(), "answer": nil}
	if err != nil {
		row["message"] = status.Convert(err).Message()
	}
	if len(answers) > 0 {
		row["answer"] = answers[len(answers)-1]
	}
	return row
}

func client(sock, script string) {
	var steps []json.RawMessage
	text, _ := os.ReadFile(script)
	if err := json.Unmarshal(text, &steps); err != nil {
		panic(err)
	}
	conn, err := grpc.Dial("unix:"+sock, grpc.WithInsecure(), grpc.WithBlock())
	if err != nil {
		panic(err)
	}
	in := bufio.NewReader(os.Stdin)
	for _, j := range steps {
		if string(j) == `"wait"` {
			fmt.Println("waiting")
			in.ReadString('\n')
			continue
		}
		s := step{Times: 1}
		if err := json.Unmarshal(j, &s); err != nil {
			panic(err)
		}
		for i := 0; i < s.Times; i++ {
			row, _ := json.Marshal(call(conn, s))
			fmt.Println(string(row))
		}
	}
	conn.Close()
}

func main() {
	encoding.RegisterCodec(raw{})
	if os.Args[1] == "server" {
		serve(os.Args[2])
	} else {
		client(os.Args[2], os.Args[3])
	}
}
