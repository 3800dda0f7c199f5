package story

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// Rights are what functions did with AWS: by function, actions and their resources as the template names these, and actions and the
// partitions of the table that they were done in ("dynamodb:Query SHELF").
type Rights struct {
	Mu         sync.Mutex
	Done       map[string]map[string]bool
	Partitions map[string]map[string]bool
}

// call is what the bodies of calls to AWS say about themselves.
type call struct {
	TableName, IndexName, QueueURL string
	RequestItems                   map[string]any
	TransactItems                  []map[string]struct{ TableName string }
	Names                          []string

	Key, Item, ExpressionAttributeValues map[string]struct{ S string }
}

// add notes a call.
func (r *Rights) add(function string, c *http.Request, body []byte) {
	r.Mu.Lock()
	defer r.Mu.Unlock()
	if r.Done == nil {
		r.Done, r.Partitions = map[string]map[string]bool{}, map[string]map[string]bool{}
	}
	if r.Done[function] == nil {
		r.Done[function], r.Partitions[function] = map[string]bool{}, map[string]bool{}
	}
	if p := partition(c, body); p != "" {
		r.Partitions[function][p] = true
	}
	for _, right := range of(c, body) {
		r.Done[function][right] = true
	}
}

// partition is the one that a call is about which reads or writes the table by a key or queries it; "" of any other.
func partition(c *http.Request, body []byte) string {
	var b call
	_, action, _ := strings.Cut(c.Header.Get("X-Amz-Target"), ".")
	if err := json.Unmarshal(body, &b); err != nil || b.TableName == "" || b.IndexName != "" {
		return ""
	}
	return "dynamodb:" + action + " " + b.Key["PK"].S + b.Item["PK"].S + b.ExpressionAttributeValues[":p"].S // one of the three
}

// of are the rights that a call needs: "dynamodb:PutItem table/NAME".
func of(c *http.Request, body []byte) (all []string) {
	if strings.Contains(c.Header.Get("Authorization")+c.URL.Query().Get("X-Amz-Credential"), "/s3/aws4_request") {
		return ofObject(c)
	}
	if c.Header.Get("X-Amz-Target") == "" { // SES speaks in forms
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return []string{"a call that is not understood: " + string(body)}
		}
		_, domain, _ := strings.Cut(form.Get("Source"), "@")
		return []string{"ses:" + form.Get("Action") + " identity/" + domain}
	}
	var b call
	service, action, _ := strings.Cut(c.Header.Get("X-Amz-Target"), ".")
	if err := json.Unmarshal(body, &b); err != nil {
		return []string{"a call that is not understood: " + string(body)}
	}
	switch {
	case action == "TransactWriteItems": // needs the rights of what is in it
		names := map[string]string{"Put": "PutItem", "ConditionCheck": "ConditionCheckItem", "Update": "UpdateItem", "Delete": "DeleteItem"}
		for _, item := range b.TransactItems {
			for kind, one := range item {
				all = append(all, "dynamodb:"+names[kind]+" table/"+one.TableName)
			}
		}
	case len(b.RequestItems) > 0:
		for table := range b.RequestItems {
			all = append(all, "dynamodb:"+action+" table/"+table)
		}
	case b.IndexName != "":
		all = append(all, "dynamodb:"+action+" table/"+b.TableName+"/index/"+b.IndexName)
	case b.TableName != "":
		all = append(all, "dynamodb:"+action+" table/"+b.TableName)
	case service == "AmazonSQS":
		all = append(all, "sqs:"+strings.TrimSuffix(action, "Batch")+" "+b.QueueURL)
	case service == "AmazonSSM":
		for _, name := range b.Names {
			all = append(all, "ssm:"+action+" parameter"+name)
		}
	default:
		all = append(all, service+":"+action+" ?")
	}
	return all
}

// ofObject are the rights that a call to S3 needs, or a link that somebody uses in the function's name. The template names
// objects by the folder that they are in.
func ofObject(c *http.Request) []string {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(c.URL.Path, "/"), "/")
	folder, _, _ := strings.Cut(key, "/")
	object := " bucket/" + bucket + "/" + folder + "/*"
	switch list := key == ""; {
	case list && c.Method == http.MethodGet:
		return []string{"s3:ListBucket bucket/" + bucket}
	case c.Method == http.MethodPut:
		return []string{"s3:PutObject" + object}
	case c.Method == http.MethodGet, c.Method == http.MethodHead: // who may not list hears "forbidden" of what is not there
		return []string{"s3:GetObject" + object, "s3:ListBucket bucket/" + bucket}
	}
	return []string{"a call that is not understood: " + c.Method + " " + c.URL.Path}
}
