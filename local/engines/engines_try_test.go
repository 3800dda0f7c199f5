package engines
import ("testing";"os";"time";"opiq/local/template";"context")
func TestTry(t *testing.T){
 s:=time.Now(); e,err:=Start(t.Context(),Options{Log:os.Stderr}); if err!=nil{t.Fatal(err)}
 t.Log("start",time.Since(s)); s=time.Now()
 tm,err:=template.Read("../../template.yaml",map[string]string{"Stage":"dev","PublicUrl":"http://localhost:8080","Sender":"a@b.test"}); if err!=nil{t.Fatal(err)}
 m,err:=Create(t.Context(),e.Config(),tm); t.Log("create",time.Since(s),m,err); s=time.Now()
 _,err=Create(t.Context(),e.Config(),tm); t.Log("again",time.Since(s),err)
 for range 3 { s=time.Now(); _,err:=CreateTable(context.Background(),e.Config(),tm.Tables[0],time.Now().Format("150405.000000")); t.Log("table",time.Since(s),err)}
 s=time.Now(); e.Stop(); t.Log("stop",time.Since(s))
}
