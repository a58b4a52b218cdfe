// Command screenshots takes pictures of a running demonstration in Chromium, for the README and for whoever looks
// at a page before it is called done.
//
//	go run ./scripts/screenshots -url http://127.0.0.1:8080 -login laure.lavaut.ly2010 -out /tmp/shots /annuaire?q=lavaut /ma-promo
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/chromedp/chromedp"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "screenshots:", err)
		os.Exit(1)
	}
}

type shooter struct {
	url, login, password, out string
	name                      string // of the only picture; made of path, width and theme when empty
	full                      bool
}

func run() error {
	var s shooter
	flag.StringVar(&s.url, "url", "http://127.0.0.1:8080", "address of the demonstration")
	flag.StringVar(&s.login, "login", "", "who signs in; nobody when empty")
	flag.StringVar(&s.password, "password", "amicale-demo", "the demonstration's password")
	flag.StringVar(&s.out, "out", ".", "folder of the pictures")
	flag.BoolVar(&s.full, "full", true, "the whole page, not only what fits the window")
	flag.StringVar(&s.name, "name", "", "name of the picture, without .png, when only one is taken")
	widths := flag.String("widths", "360,1280", "widths in pixels")
	themes := flag.String("themes", "light,dark", "light, dark or both")
	flag.Parse()
	browser, err := chromium()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "amicale-shots")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(browser), chromedp.NoSandbox, chromedp.UserDataDir(dir),
		chromedp.Flag("disable-quic", true), chromedp.Flag("lang", "fr-FR"), chromedp.Flag("accept-lang", "fr-FR"), chromedp.Flag("hide-scrollbars", true))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx)
	defer cancel()
	ctx, cancel = context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	if err := s.signIn(ctx); err != nil {
		return fmt.Errorf("signing in: %w", err)
	}
	for _, path := range flag.Args() {
		for _, theme := range strings.Split(*themes, ",") {
			for _, w := range strings.Split(*widths, ",") {
				width, err := strconv.Atoi(w)
				if err != nil {
					return err
				}
				if err := s.shoot(ctx, path, theme, width); err != nil {
					return fmt.Errorf("%s: %w", path, err)
				}
			}
		}
	}
	return nil
}

func chromium() (string, error) {
	for _, p := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(p); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("no Chromium found")
}

func (s *shooter) signIn(ctx context.Context) error {
	if s.login == "" {
		return chromedp.Do(ctx, chromedp.Navigate(s.url+"/"))
	}
	return chromedp.Do(ctx,
		chromedp.Navigate(s.url+"/connexion"),
		chromedp.SendKeys(chromedp.CSS(`main input[name=who]`), s.login),
		chromedp.SendKeys(chromedp.CSS(`main input[name=password]`), s.password+"\r"),
		chromedp.WaitVisible(chromedp.CSS(`header .menu`)),
	)
}

var unsafe = regexp.MustCompile(`[^a-z0-9]+`)

func (s *shooter) shoot(ctx context.Context, path, theme string, width int) error {
	height := int64(900)
	if width < 600 {
		height = 780
	}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(int64(width), height), chromedp.Navigate(s.url+path), chromedp.WaitReady(chromedp.CSS(`main`))); err != nil {
		return err
	}
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.documentElement.dataset.theme = "`+theme+`"`)); err != nil {
		return err
	}
	if err := chromedp.Do(ctx, chromedp.Sleep(250*time.Millisecond)); err != nil { // fonts and colours settle
		return err
	}
	capture := chromedp.CaptureScreenshot()
	if s.full {
		capture = chromedp.FullScreenshot(100)
	}
	picture, err := chromedp.Run(ctx, capture)
	if err != nil {
		return err
	}
	if picture, err = tighten(picture); err != nil {
		return err
	}
	if s.name != "" {
		return os.WriteFile(filepath.Join(s.out, s.name+".png"), picture, 0o644)
	}
	name := strings.Trim(unsafe.ReplaceAllString(strings.ToLower(path), "-"), "-")
	if name == "" {
		name = "home"
	}
	file := filepath.Join(s.out, fmt.Sprintf("%s-%d-%s.png", name, width, theme))
	return os.WriteFile(file, picture, 0o644)
}

// tighten packs a picture as small as PNG allows without losing a point.
func tighten(data []byte) ([]byte, error) {
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, img); err != nil {
		return nil, err
	}
	if out.Len() > len(data) {
		return data, nil
	}
	return out.Bytes(), nil
}
