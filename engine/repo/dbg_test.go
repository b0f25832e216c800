package repo
import ("testing";"fmt";"os";"path/filepath")
func TestDbg(t *testing.T){
 g:=newGit(t); g.commit("a","accord.yaml","x"); g.run("status")
 r:=open1(t,g.dir)
 r.use(func(h *handle) error { c:=comparison{}; c.readIndex(h,""); e:=c.index["accord.yaml"]; info,_:=os.Lstat(filepath.Join(g.dir,"accord.yaml")); fmt.Println(e, e.ModifiedAt, info.ModTime(), c.written, e.Size, info.Size(), c.untouched(e,info)); return nil})
}
