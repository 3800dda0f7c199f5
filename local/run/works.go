package run

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"opiq/shared/catalog"
	"opiq/shared/reading"
)

// stock does what publishers do: it puts a file beside every work. Files of an earlier run stay as they are.
func (s *Shop) stock(ctx context.Context) error {
	client := s3.NewFromConfig(s.AWS, func(o *s3.Options) { o.UsePathStyle = true })
	works := s.Made.Buckets["Files"]
	there, err := client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &works, MaxKeys: aws.Int32(1)})
	if err != nil || len(there.Contents) > 0 {
		return err
	}
	all, inner := errgroup.WithContext(ctx)
	all.SetLimit(8)
	for _, w := range (catalog.Shelf{}).All() {
		all.Go(func() error {
			name, text := reading.Worksheet(w)
			_, err := client.PutObject(inner, &s3.PutObjectInput{Bucket: &works, Key: aws.String(reading.Folder(w.ID) + name), Body: strings.NewReader(text)})
			return err
		})
	}
	if err := all.Wait(); err != nil {
		return fmt.Errorf("bucket %s: %w", works, err)
	}
	return nil
}
