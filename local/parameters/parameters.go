// Package parameters is a Systems Manager that knows one call: GetParameters.
//
// It serves a map and forgets nothing and learns nothing: there is no way to change a parameter, and no right is checked.
package parameters

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
)

// Value is a parameter.
type Value struct {
	Text   string
	Secret bool // a SecureString; it is given away only to who asks for decryption
}

// most is how many names SSM takes in a call.
const most = 10

// New serves values by their full names ("/opiq/dev/pepper") in the protocol of SSM.
func New(values map[string]Value) http.Handler {
	values = maps.Clone(values)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if target := r.Header.Get("X-Amz-Target"); target != "AmazonSSM.GetParameters" {
			refuse(w, "UnknownOperationException", fmt.Sprintf("%q is not played here, only AmazonSSM.GetParameters", target))
			return
		}
		var in struct {
			Names          []string
			WithDecryption bool
		}
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&in); err != nil {
			refuse(w, "SerializationException", "the request is not JSON")
			return
		}
		if len(in.Names) == 0 || len(in.Names) > most {
			refuse(w, "ValidationException", fmt.Sprintf("%d names were asked for; it takes 1 to %d", len(in.Names), most))
			return
		}
		out := answer{Parameters: []parameter{}, InvalidParameters: []string{}}
		for _, name := range in.Names {
			v, ok := values[name]
			if !ok {
				out.InvalidParameters = append(out.InvalidParameters, name)
				continue
			}
			p := parameter{Name: name, Type: "String", Value: v.Text, Version: 1, DataType: "text"}
			if v.Secret {
				p.Type = "SecureString"
				if !in.WithDecryption {
					p.Value = "encrypted"
				}
			}
			out.Parameters = append(out.Parameters, p)
		}
		write(w, http.StatusOK, out)
	})
}

type answer struct {
	Parameters        []parameter
	InvalidParameters []string
}

type parameter struct {
	Name, Type, Value string
	Version           int
	DataType          string
}

func refuse(w http.ResponseWriter, kind, message string) {
	write(w, http.StatusBadRequest, map[string]string{"__type": kind, "message": message})
}

func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
