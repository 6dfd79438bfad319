// Liar stands before a log and changes one bit of one page, so that a judge can be seen to refuse. It prints its own
// address and serves until it is killed.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
)

func main() {
	target := flag.String("target", "", "the log's address, such as http://127.0.0.1:7421")
	page := flag.String("page", "", "the end of the page's path")
	at := flag.Int("at", 0, "which of its bytes to change")
	flag.Parse()
	honest, err := url.Parse(*target)
	if err != nil || *page == "" {
		fmt.Fprintln(os.Stderr, "liar: -target and -page are needed:", err)
		os.Exit(2)
	}
	proxy := httputil.NewSingleHostReverseProxy(honest)
	proxy.ModifyResponse = func(answer *http.Response) error {
		if !strings.HasSuffix(answer.Request.URL.Path, *page) || answer.StatusCode != http.StatusOK {
			return nil
		}
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			return err
		}
		if *at >= len(body) {
			return fmt.Errorf("%s has %d bytes", *page, len(body))
		}
		body[*at] ^= 1
		answer.Body = io.NopCloser(bytes.NewReader(body))
		return nil
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, "liar:", err)
		os.Exit(2)
	}
	fmt.Printf("http://%s\n", listener.Addr())
	fmt.Fprintln(os.Stderr, "liar:", http.Serve(listener, proxy))
	os.Exit(2)
}
