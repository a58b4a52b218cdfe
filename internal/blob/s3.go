package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/http"
	"net/url"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"amicale/internal/errs"
)

// S3 is a Store in a bucket of any service that speaks S3.
type S3 struct {
	client *minio.Client
	bucket string
}

// maxTries is how often one request is sent before its failure is told; the client waits longer each time.
const maxTries = 3

func openS3(ctx context.Context, setting string) (*S3, error) {
	const op = "blob.Open s3"
	endpoint, bucket, opts, err := parseS3(setting)
	if err != nil {
		return nil, errs.E(op, errs.Invalid, err)
	}
	client, err := minio.New(endpoint, opts)
	if err != nil {
		return nil, errs.E(op, errs.Invalid, err)
	}
	s := &S3{client, bucket}
	found, err := client.BucketExists(ctx, bucket)
	if err != nil {
		return nil, s.wrap("Open", "s3 "+bucket, err)
	}
	if !found {
		return nil, errs.E(op, errs.NotFound, fmt.Errorf("no bucket %q at %s", bucket, endpoint))
	}
	return s, nil
}

// parseS3 reads s3://KEY:SECRET@host/bucket?region=&insecure=. Its errors never repeat the setting.
func parseS3(setting string) (endpoint, bucket string, opts *minio.Options, err error) {
	u, err := url.Parse(setting)
	if err != nil {
		return "", "", nil, errors.New("unreadable address: percent-encode the special characters of KEY and SECRET")
	}
	secret, hasSecret := u.User.Password()
	bucket = strings.Trim(u.Path, "/")
	switch {
	case u.Host == "" || u.User.Username() == "" || !hasSecret:
		return "", "", nil, errors.New("want s3://KEY:SECRET@host/bucket")
	case bucket == "" || strings.Contains(bucket, "/"):
		return "", "", nil, fmt.Errorf("want one bucket after the host, have %q", u.Path)
	}
	opts = &minio.Options{
		Creds:      credentials.NewStaticV4(u.User.Username(), secret, ""),
		Secure:     true,
		MaxRetries: maxTries,
	}
	for name, values := range u.Query() {
		value := values[0]
		switch {
		case name == "region":
			opts.Region = value
		case name == "insecure" && (value == "true" || value == "1"):
			opts.Secure = false
		case name == "insecure" && (value == "" || value == "false" || value == "0"):
		default:
			return "", "", nil, fmt.Errorf("unknown setting %s=%q", name, value)
		}
	}
	return u.Host, bucket, opts, nil
}

// Put implements Store.
func (s *S3) Put(ctx context.Context, key string, r io.Reader, size int64, contentType string) error {
	if err := checkPut(key, size, contentType); err != nil {
		return errs.E("blob.Put "+key, errs.Invalid, err)
	}
	exact := newExact(ctx, r, size)
	if exact.failed() {
		return wrap("Put", key, exact.err)
	}
	_, err := s.client.PutObject(ctx, s.bucket, key, exact, size, minio.PutObjectOptions{
		ContentType: contentType,
		// Signed in chunks, nothing would be sent as a body of unknown length, which services refuse.
		DisableContentSha256: size == 0,
	})
	if err != nil && exact.failed() {
		return wrap("Put", key, exact.err) // the cause, which the client dresses up as a failure of the network
	}
	return s.wrap("Put", key, err)
}

// Open implements Store. One request fetches the description and, as it is read, the content: asked apart,
// they may be of two versions. It lasts until Close or the end of ctx.
func (s *S3) Open(ctx context.Context, key string) (io.ReadCloser, Info, error) {
	if checkKey(key) != nil {
		return nil, Info{}, wrap("Open", key, fs.ErrNotExist)
	}
	r, stat, _, err := minio.Core{Client: s.client}.GetObject(ctx, s.bucket, key, minio.GetObjectOptions{})
	if err != nil {
		return nil, Info{}, s.wrap("Open", key, err)
	}
	return r, infoOf(stat), nil
}

// Stat implements Store.
func (s *S3) Stat(ctx context.Context, key string) (Info, error) {
	if checkKey(key) != nil {
		return Info{}, wrap("Stat", key, fs.ErrNotExist)
	}
	stat, err := s.client.StatObject(ctx, s.bucket, key, minio.StatObjectOptions{})
	if err != nil {
		return Info{}, s.wrap("Stat", key, err)
	}
	return infoOf(stat), nil
}

func infoOf(o minio.ObjectInfo) Info {
	return Info{Size: o.Size, ContentType: o.ContentType, ModTime: o.LastModified.UTC()}
}

// Delete implements Store.
func (s *S3) Delete(ctx context.Context, key string) error {
	if checkKey(key) != nil {
		return nil
	}
	err := s.wrap("Delete", key, s.client.RemoveObject(ctx, s.bucket, key, minio.RemoveObjectOptions{}))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// List implements Store.
func (s *S3) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for o := range s.client.ListObjectsIter(ctx, s.bucket, minio.ListObjectsOptions{Prefix: prefix, Recursive: true}) {
			if o.Err != nil {
				yield("", s.wrap("List", prefix, o.Err))
				return
			}
			if !yield(o.Key, nil) {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield("", wrap("List", prefix, err))
		}
	}
}

// wrap gives the answers of the service the meaning that those of a disk have.
func (s *S3) wrap(op, key string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return wrap(op, key, err)
	}
	var answer minio.ErrorResponse
	errors.As(err, &answer)
	switch {
	case answer.Code == minio.NoSuchKey:
		err = errors.Join(fs.ErrNotExist, err)
	case answer.Code == "XMinioStorageFull" || answer.Code == "QuotaExceeded" || answer.StatusCode == http.StatusInsufficientStorage:
		err = errors.Join(ErrFull, err)
	default:
		// Nobody answered, or: no bucket, no right, too much to do. None of it is the visitor's doing.
		err = errs.E(s.bucket, errs.Unavailable, err)
	}
	return wrap(op, key, err)
}
